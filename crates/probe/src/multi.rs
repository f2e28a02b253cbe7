//! One link for all probes of a program: `uprobe_multi`, which aya 0.14 does not have.
//!
//! Attaches and detaches all probes at once, in some ten milliseconds, and needs less privilege than a perf event per
//! probe: CAP_BPF and CAP_PERFMON instead of CAP_SYS_ADMIN.
#![allow(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use aya::Ebpf;
use aya::maps::{Map, MapData};
use aya_obj::Object;

use crate::bpf::bpf_fd;
use crate::error::Error;
use crate::process::Scope;

// Source: include/uapi/linux/bpf.h
const BPF_PROG_LOAD: i32 = 5;
const BPF_LINK_CREATE: i32 = 28;
const BPF_PROG_TYPE_KPROBE: u32 = 2;
const BPF_TRACE_UPROBE_MULTI: u32 = 48;
const LICENSE: &std::ffi::CStr = c"Dual MIT/GPL";

/// `union bpf_attr` of BPF_PROG_LOAD.
#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
}

/// `union bpf_attr` of BPF_LINK_CREATE for uprobe_multi.
#[repr(C)]
#[derive(Default)]
struct LinkCreate {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    path: u64,
    offsets: u64,
    ref_ctr_offsets: u64,
    cookies: u64,
    cnt: u32,
    multi_flags: u32,
    pid: u32,
    padding: u32,
}

/// A program loaded for uprobe_multi links.
pub(crate) struct MultiProgram {
    fd: OwnedFd,
}

impl MultiProgram {
    /// Loads a program of `object` to work on the maps that `ebpf` has loaded.
    pub(crate) fn load(object: &[u8], name: &str, ebpf: &Ebpf) -> Result<Self, Error> {
        let broken = |error: &dyn std::fmt::Display| Error::Kernel {
            what: "reading the BPF object",
            reason: error.to_string(),
        };
        let mut object = Object::parse(object).map_err(|error| broken(&error))?;
        let fds: HashMap<&str, RawFd> = ebpf
            .maps()
            .filter_map(|(name, map)| Some((name, data_of(map)?.fd().as_fd().as_raw_fd())))
            .collect();
        let maps: Vec<_> = object.maps.drain().collect();
        let with_fds = maps
            .iter()
            .filter_map(|(name, map)| Some((name.as_str(), *fds.get(name.as_str())?, map)));
        let text: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        object.relocate_maps(with_fds, &text).map_err(|error| broken(&error))?;
        object.relocate_calls(&text).map_err(|error| broken(&error))?;
        let program = object.programs.get(name).ok_or_else(|| broken(&"a program is missing"))?;
        let instructions = &object.functions[&program.function_key()].instructions;
        let fd = load_instructions(instructions).map_err(|error| Error::Kernel {
            what: "loading the BPF program for uprobe_multi",
            reason: error.to_string(),
        })?;
        Ok(Self { fd })
    }

    /// Puts probes in place. Shape: `offsets` and `cookies` are of the same length.
    pub(crate) fn attach(
        &self,
        path: &Path,
        scope: Scope,
        offsets: &[u64],
        cookies: &[u64],
    ) -> io::Result<OwnedFd> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let mut attr = LinkCreate {
            prog_fd: self.fd.as_raw_fd().cast_unsigned(),
            attach_type: BPF_TRACE_UPROBE_MULTI,
            path: path.as_ptr() as u64,
            offsets: offsets.as_ptr() as u64,
            cookies: cookies.as_ptr() as u64,
            cnt: offsets.len().min(cookies.len()) as u32,
            pid: match scope {
                Scope::Process(pid) => pid,
                Scope::All => 0,
            },
            ..LinkCreate::default()
        };
        // SAFETY: the pointers in `attr` are to memory that lives until the call returns, of the lengths given.
        unsafe { bpf_fd(BPF_LINK_CREATE, &mut attr) }
    }
}

fn load_instructions(instructions: &[aya_obj::generated::bpf_insn]) -> io::Result<OwnedFd> {
    let mut attr = ProgLoad {
        prog_type: BPF_PROG_TYPE_KPROBE,
        insn_cnt: instructions.len() as u32,
        insns: instructions.as_ptr() as u64,
        license: LICENSE.as_ptr() as u64,
        expected_attach_type: BPF_TRACE_UPROBE_MULTI,
        ..ProgLoad::default()
    };
    // SAFETY: the pointers in `attr` are to memory that lives until the call returns, of the lengths given.
    unsafe { bpf_fd(BPF_PROG_LOAD, &mut attr) }
}

fn data_of(map: &Map) -> Option<&MapData> {
    match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::PerCpuArray(data)
        | Map::ProgramArray(data) => Some(data),
        _ => None,
    }
}
