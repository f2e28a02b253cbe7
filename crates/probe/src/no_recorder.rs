//! The recorder on systems that it does not run on.

use std::process::Child;
use std::time::Duration;

use recording::Ending;

use crate::error::Error;
use crate::options::Options;
use crate::outcome::{Attached, Recording, Status};

/// There is none here.
#[derive(Debug)]
pub enum Recorder {}

impl Recorder {
    /// Records nothing here.
    ///
    /// # Errors
    /// Always.
    pub fn attach(_: &Options) -> Result<Self, Error> {
        Err(Error::OtherSystem)
    }

    /// What is recorded.
    pub fn attached(&self) -> &Attached {
        match *self {}
    }

    /// Gives up rights.
    ///
    /// # Errors
    /// Not called.
    pub fn drop_privileges(&self) -> Result<(), Error> {
        match *self {}
    }

    /// The command that was started.
    pub fn take_command(&mut self) -> Option<Child> {
        match *self {}
    }

    /// Lets a command begin.
    ///
    /// # Errors
    /// Not called.
    pub fn start(&mut self) -> Result<(), Error> {
        match *self {}
    }

    /// Counts.
    ///
    /// # Errors
    /// Not called.
    pub fn poll(&mut self, _: Duration) -> Result<Status, Error> {
        match *self {}
    }

    /// Takes probes away.
    ///
    /// # Errors
    /// Not called.
    pub fn suspend(&mut self) -> Result<(), Error> {
        match *self {}
    }

    /// Puts them back.
    ///
    /// # Errors
    /// Not called.
    pub fn resume(&mut self) -> Result<(), Error> {
        match *self {}
    }

    /// A recording.
    ///
    /// # Errors
    /// Not called.
    pub fn rotate(&mut self) -> Result<Recording, Error> {
        match *self {}
    }

    /// The last recording.
    ///
    /// # Errors
    /// Not called.
    pub fn finish(self, _: Ending) -> Result<Recording, Error> {
        match self {}
    }

    /// The last recording.
    ///
    /// # Errors
    /// Not called.
    pub fn finish_after(
        self,
        _: Result<Ending, Error>,
    ) -> Result<(Recording, Option<Error>), Error> {
        match self {}
    }
}
