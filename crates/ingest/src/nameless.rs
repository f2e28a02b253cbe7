//! Frames without a name, and what they may hide.
//!
//! What is called from code that is not Go's needs no name: no map operation is below it. What has none anywhere else, before
//! the first function of the user, may be a map operation, or the line of one.

use gomap::{calls_other_code, classify_function};
use gopprof::{Location, MappingIdx, Profile, Sample};

/// Lowest address of kernels of 64 bits.
const KERNEL: u64 = 1 << 63;

/// What a frame tells about those below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The runtime's, or not of Go: what called it may be a map operation.
    Runtime,
    /// What it calls is not of Go: it is not of Go itself, or the runtime's that calls C or the kernel.
    CallsOthers,
    User,
    Nameless,
}

/// The roles of all frames.
#[derive(Debug)]
pub(crate) struct Nameless {
    /// By location.
    roles: Vec<Role>,
}

impl Nameless {
    /// `None` where all frames have names.
    pub(crate) fn of(profile: &Profile) -> Option<Self> {
        let has_names = profile.locations.iter().all(|location| !location.lines.is_empty());
        let role = |location| role(location, profile);
        (!has_names).then(|| Self { roles: profile.locations.iter().map(role).collect() })
    }

    /// Whether a map operation of this sample, or its line, can be among the frames without names.
    pub(crate) fn hides(&self, sample: &Sample<'_>) -> bool {
        let mut is_below_nameless = false;
        for location in sample.locations() {
            match self.roles[location.index()] {
                Role::Nameless => is_below_nameless = true,
                Role::CallsOthers => is_below_nameless = false,
                Role::Runtime | Role::User if is_below_nameless => return true,
                Role::Runtime => {}
                Role::User => return false,
            }
        }
        is_below_nameless
    }
}

fn role(location: &Location, profile: &Profile) -> Role {
    let names = location.lines.iter().map(|line| {
        line.function.map_or("", |function| profile.str(profile.functions[function.index()].name))
    });
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return if is_of_kernel(location, profile) { Role::Runtime } else { Role::Nameless };
    }
    if names.iter().any(|name| calls_other_code(name)) {
        return Role::CallsOthers;
    }
    let is_runtime = names.iter().all(|name| classify_function(name).is_runtime());
    if is_runtime { Role::Runtime } else { Role::User }
}

/// Whether it is code of the kernel, or of the pages that it puts into each process.
pub(crate) fn is_of_kernel(location: &Location, profile: &Profile) -> bool {
    location.address >= KERNEL || location.mapping.is_some_and(|of| is_kernels(of, profile))
}

/// `[vdso]`, `[kernel.kallsyms]`.
fn is_kernels(mapping: MappingIdx, profile: &Profile) -> bool {
    let name = profile.str(profile.mappings[mapping.index()].filename);
    ["[vdso]", "[vsyscall]", "[kernel"].iter().any(|begin| name.starts_with(begin))
}

/// Takes what stands for a name where a profiler knew none.
pub(crate) fn forget_placeholders(profile: &mut Profile) {
    let is_placeholder: Vec<bool> = profile
        .functions
        .iter()
        .map(|function| is_placeholder(profile.str(function.name)))
        .collect();
    if !is_placeholder.contains(&true) {
        return;
    }
    for location in &mut profile.locations {
        let mut functions = location.lines.iter().map(|line| line.function);
        if functions
            .all(|function| function.is_none_or(|function| is_placeholder[function.index()]))
        {
            location.lines.clear();
        }
    }
}

/// `[unknown]`, `??`, `0x4242`, and no name at all.
fn is_placeholder(name: &str) -> bool {
    let bare = name.trim_matches(|c| "[](){}<>? ".contains(c));
    bare.is_empty()
        || ["unknown", "unresolved", "no symbol"].iter().any(|word| bare.eq_ignore_ascii_case(word))
        || bare.strip_prefix("0x").is_some_and(is_hex)
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gopprof::{LocationIdx, ProfileBuilder};

    #[test]
    fn what_stands_for_a_name_is_none() {
        for name in ["", "??", "[unknown]", "<Unknown>", "(unknown)", "0x4a2F", "[0x10]", "unknown"]
        {
            assert!(is_placeholder(name), "{name}");
        }
        for name in ["main.unknown", "0xyz", "[libc.so.6]", "main.(*T).f", "f"] {
            assert!(!is_placeholder(name), "{name}");
        }
    }

    /// Stacks as in "leaf;caller": `-` has no name, `^` is the kernel's.
    #[test]
    fn maps_may_hide_where_go_has_no_names() {
        let cases = [
            ("-", true),
            ("main.f;-", false),
            ("-;main.f", true),
            ("-;runtime.goexit", true),
            ("runtime.mapassign;-;main.main", true),
            ("runtime.mapassign;main.f;-;main.main", false),
            ("runtime.memmove;-", true),
            ("runtime.gcBgMarkWorker;runtime.goexit", false),
            ("-;-;runtime.asmcgocall.abi0;runtime.cgocall;main.f", false),
            ("-;runtime.cgocall;-;main.f", true),
            ("-;runtime._ExternalCode", false),
            ("deflate;-;start_thread", false),
            ("-;rocksdb::Get(Slice)", false),
            ("-;internal/runtime/syscall.Syscall6;syscall.Write;main.f", false),
            ("^;main.f", false),
            ("^;-;main.f", true),
            ("^;runtime.mapassign;main.f", false),
        ];
        for (stack, hides) in cases {
            let mut builder = ProfileBuilder::default();
            let mut add = |name: &str| match name {
                "-" => builder.location(Location { address: 0x4242, ..Location::default() }),
                "^" => builder.location(Location { address: KERNEL + 7, ..Location::default() }),
                name => builder.frame(name, "file.go", 7),
            };
            let locations: Vec<LocationIdx> = stack.split(';').map(&mut add).collect();
            let nameless = add("-");
            let count = builder.string("count");
            builder.profile_mut().sample_types =
                vec![gopprof::ValueType { kind: count, unit: count }];
            builder.sample(&locations, &[1], &[]);
            builder.sample(&[nameless], &[1], &[]);
            let profile = builder.finish();
            let first = profile.samples().next().expect("there is one");
            let found = Nameless::of(&profile).expect("one has no name").hides(&first);
            assert_eq!(found, hides, "{stack}");
        }
    }
}
