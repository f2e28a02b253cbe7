//! Reader and writer of profile.proto, the format of pprof.
