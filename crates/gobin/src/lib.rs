//! Go executables: build info, functions, lines, runtime types and map call sites, stripped ones too.
