//! /proc/PID/cgroup: the control groups of a process.

use std::path::PathBuf;

use crate::executable::split_deleted;
use crate::text::{self, parse_decimal, split_once};
use crate::{Error, Pid};

/// The control group of a process in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    /// Of version 1: what the hierarchy controls, as `memory`, or `name=NAME`. Empty: the one of version 2.
    pub controllers: Vec<String>,
    /// From the root of the hierarchy, as this process sees it.
    pub path: PathBuf,
    /// Whether the group was removed.
    pub is_deleted: bool,
}

impl Cgroup {
    /// Whether it is of version 2.
    pub fn is_v2(&self) -> bool {
        self.controllers.is_empty()
    }
}

/// Reads the text of /proc/PID/cgroup; lines that are not of its form, or do not end, are left out.
///
/// Source: cgroups(7): `hierarchy:controllers:path`, of version 2 `0::path`. A path may have colons.
pub fn parse_cgroups(text: &[u8]) -> Vec<Cgroup> {
    text::lines(text).0.filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Cgroup> {
    let (hierarchy, rest) = split_once(line, b':')?;
    let (controllers, path) = split_once(rest, b':')?;
    let is_v2 = parse_decimal(hierarchy)? == 0;
    if is_v2 != controllers.is_empty() || !path.starts_with(b"/") {
        return None;
    }
    let names = controllers.split(|&byte| byte == b',').filter(|name| !name.is_empty());
    let controllers = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let (path, is_deleted) = split_deleted(path);
    Some(Cgroup { controllers, path, is_deleted })
}

impl Pid {
    /// Its control groups: one of version 2, or one for each hierarchy of version 1, or both.
    ///
    /// # Errors
    /// When there is no such process, or the kernel has no control groups.
    pub fn cgroups(self) -> Result<Vec<Cgroup>, Error> {
        text::read(self, "cgroup", text::SHORT).map(|text| parse_cgroups(&text))
    }
}

#[cfg(test)]
mod tests;
