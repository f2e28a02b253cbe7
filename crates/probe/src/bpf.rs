//! Calls of bpf(2) that aya 0.14 does not have.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use aya::Pod;

// Source: include/uapi/linux/bpf.h
const BPF_MAP_LOOKUP_BATCH: i32 = 24;
const BPF_MAP_DELETE_BATCH: i32 = 27;
/// Source: include/uapi/linux/membarrier.h
const MEMBARRIER_CMD_GLOBAL: i32 = 1;

/// Entries asked for at a time.
const BATCH: u32 = 4096;
/// Largest batch: more than any table has.
const MAX_BATCH: u32 = 1 << 20;

/// How often a call is made again, and the time between, where a program of the kernel side that was preempted holds a
/// part of the table. Source: kernel/bpf/hashtab.c, htab_lock_bucket, Linux 5.15 to 6.0.
const MAX_RETRIES: u32 = 1000;
const RETRY: Duration = Duration::from_millis(1);

/// Calls that are made again.
#[derive(Debug, Default)]
pub(crate) struct Retries(u32);

impl Retries {
    /// Whether to call again after this error; waits before.
    pub(crate) fn wait_after(&mut self, error: &io::Error) -> bool {
        self.0 += 1;
        let is_again = error.raw_os_error() == Some(libc::EBUSY) && self.0 <= MAX_RETRIES;
        if is_again {
            std::thread::sleep(RETRY);
        }
        is_again
    }
}

/// `union bpf_attr` of the batch commands.
#[repr(C)]
#[derive(Default)]
struct Batch {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// All entries of a hash table, some thousand per call. Entries that are added meanwhile may be missing.
pub(crate) fn entries<K: Pod, V: Pod>(map: BorrowedFd<'_>) -> io::Result<Vec<(K, V)>> {
    let mut entries = Vec::new();
    let mut position: Option<[u8; 16]> = None;
    let mut room = BATCH;
    let mut retries = Retries::default();
    loop {
        let mut keys: Vec<K> = Vec::with_capacity(room as usize);
        let mut values: Vec<V> = Vec::with_capacity(room as usize);
        let mut next = [0_u8; 16];
        let mut attr = Batch {
            in_batch: position.as_ref().map_or(0, |position| position.as_ptr() as u64),
            out_batch: next.as_mut_ptr() as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: room,
            map_fd: map.as_raw_fd().cast_unsigned(),
            ..Batch::default()
        };
        // SAFETY: the pointers are to memory with room for `count` keys and values, and for a position of the table,
        // which is no larger than a key or 16 bytes.
        let result = unsafe { bpf(BPF_MAP_LOOKUP_BATCH, &mut attr) };
        let is_last = match result {
            Ok(_) => false,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            // The next chain of the table is longer than that.
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) && room < MAX_BATCH => {
                room *= 2;
                continue;
            }
            Err(error) if retries.wait_after(&error) => continue,
            Err(error) => return Err(error),
        };
        let n = attr.count.min(room) as usize;
        // SAFETY: the kernel wrote this many keys and values; any bytes are a value of a `Pod`.
        unsafe {
            keys.set_len(n);
            values.set_len(n);
        }
        entries.extend(keys.into_iter().zip(values));
        if is_last || n == 0 {
            return Ok(entries);
        }
        position = Some(next);
    }
}

/// Removes entries that are there.
pub(crate) fn remove<K: Pod>(map: BorrowedFd<'_>, keys: &[K]) -> io::Result<()> {
    let mut rest = keys;
    let mut retries = Retries::default();
    while !rest.is_empty() {
        let mut attr = Batch {
            keys: rest.as_ptr() as u64,
            count: u32::try_from(rest.len()).unwrap_or(u32::MAX),
            map_fd: map.as_raw_fd().cast_unsigned(),
            ..Batch::default()
        };
        // SAFETY: the pointer is to `count` keys.
        let result = unsafe { bpf(BPF_MAP_DELETE_BATCH, &mut attr) };
        let n = (attr.count as usize).min(rest.len());
        match result {
            Ok(_) => rest = &rest[n.max(1)..],
            // One that is not there ends the call: on behind it.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                rest = &rest[(n + 1).min(rest.len())..];
            }
            Err(error) if retries.wait_after(&error) => rest = &rest[n..],
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until every program of the kernel side that runs now has ended.
pub(crate) fn wait_for_running_programs() {
    // SAFETY: these take numbers only.
    let (result, n_cpus) = unsafe {
        let result = libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
        (result, libc::sysconf(libc::_SC_NPROCESSORS_ONLN))
    };
    if result != 0 || n_cpus < 2 {
        // Not there with `nohz_full`, and does not wait on one CPU. The programs take microseconds, but may be preempted.
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// # Safety
/// Pointers in `attr` have to be valid for what `command` does with them.
pub(crate) unsafe fn bpf<T>(command: i32, attr: &mut T) -> io::Result<i64> {
    // SAFETY: `attr` is readable and writable for its size; the caller vouches for the pointers in it.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// # Safety
/// As for [`bpf`]; `command` is one that returns a descriptor.
pub(crate) unsafe fn bpf_fd<T>(command: i32, attr: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: the caller vouches for it.
    let fd = unsafe { bpf(command, attr) }?;
    let fd = RawFd::try_from(fd).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_in_use_is_tried_again_but_not_for_good() {
        let [busy, full] = [libc::EBUSY, libc::E2BIG].map(io::Error::from_raw_os_error);
        let mut retries = Retries(MAX_RETRIES - 2);
        assert!(!Retries::default().wait_after(&full));
        let again: Vec<bool> = (0..3).map(|_| retries.wait_after(&busy)).collect();
        assert_eq!(again, [true, true, false]);
    }
}
