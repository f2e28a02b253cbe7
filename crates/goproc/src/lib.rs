//! The only reader of other processes: what Linux says about them in /proc, and what it lets their user do with them.
//!
//! It owns: finding processes ([`Pid`]), the file they run ([`Executable`], [`which`]), their memory map ([`Maps`]) and
//! memory ([`Memory`]), CPU time, threads and end ([`PidFd`]), where they are contained ([`PidNamespace`]), commands that
//! wait before they become the program ([`HeldCommand`]), and how this one is stopped like them ([`SuspendSignal`]). It
//! needs no more rights than the user of the process has, loads nothing into the kernel, and draws no conclusions. It
//! reads what it is asked for and keeps nothing: who needs a value twice keeps it.
//!
//! Pids are reused. What is opened ([`Memory`], [`PidFd`]) stays with its process; for the rest, [`ProcessId`] tells a
//! process from a later one with its pid.
//!
//! It is built on other systems too, for those who read recordings there: it finds no process then, or says that the
//! kernel does not have what was asked for.
//!
//! Text of /proc is cut when a process ends while it is read, and names in it are of the process' choosing: parsers take
//! bytes, and what they cannot read is `None` or left out.

mod addr;
mod clock;
mod command;
mod error;
mod executable;
mod held;
mod maps;
mod memory;
mod namespace;
mod pid;
mod pidfd;
mod stat;
mod suspend;
mod text;

pub use addr::{LoadBias, RunAddr};
pub use command::{CommandState, has_ended, learn_how_commands_end};
pub use error::{Error, ErrorKind, Place, advice_to_read};
pub use executable::{Executable, FileId, open_regular, which};
pub use gobin::{FileOffset, LinkAddr};
pub use held::HeldCommand;
pub use maps::{Mapping, Maps, parse_maps};
pub use memory::Memory;
pub use namespace::{PidNamespace, parse_namespace_pids};
pub use pid::{Pid, ProcessId, Tid};
pub use pidfd::{PidFd, wait_readable};
pub use stat::{Scheduled, StartTime, Stat, parse_schedstat, parse_stat};
pub use suspend::SuspendSignal;
