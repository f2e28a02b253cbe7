//! Events out of the batches of one thread, batch by batch.

use wire::take_varint;

use crate::error::{Error, ErrorKind};
use crate::generation::{Batch, Clock};
use crate::ids::Time;
use crate::spec::{Ev, MAX_TIMED_ARGS, NOT_TIMED, Version, timed_args};
use crate::window::Window;

/// An event of a thread.
#[derive(Debug, Clone, Copy)]
pub struct Timed {
    /// Type.
    pub ev: Ev,
    /// What the clock said.
    pub time: Time,
    /// `dt` and arguments, unless they are longer.
    window: Window,
    is_long: bool,
    long_args: [u64; MAX_TIMED_ARGS],
}

impl Timed {
    /// No event yet, to be filled by [`Cursor::next`].
    pub const ZERO: Self = Self {
        ev: Ev(0),
        time: Time(0),
        window: Window::EMPTY,
        is_long: true,
        long_args: [0; MAX_TIMED_ARGS],
    };

    /// An event that stands on the wire in another form.
    pub(crate) fn new(ev: Ev, time: Time, args: [u64; MAX_TIMED_ARGS]) -> Self {
        Self { ev, time, window: Window::EMPTY, is_long: true, long_args: args }
    }

    /// An argument as in the table, without `dt`. What is beyond the arguments of the event means nothing.
    #[inline(always)]
    pub fn arg(&self, i: usize) -> u64 {
        if self.is_long { self.long_args[i] } else { self.window.get(i as u8 + 1) }
    }

    /// All arguments.
    #[inline(always)]
    pub fn args(&self) -> [u64; MAX_TIMED_ARGS] {
        [self.arg(0), self.arg(1), self.arg(2), self.arg(3)]
    }
}

/// A place in a batch, from which its events are read one by one.
#[derive(Debug)]
pub struct Cursor<'a> {
    /// What is left of the batch.
    rest: &'a [u8],
    /// Where the batch ends. Units: bytes from the start of the trace.
    end: u64,
    /// How much was left where the last event began. Units: bytes.
    n_left: usize,
    time: Time,
    clock: Clock,
    n_args: &'static [u8; 256],
}

impl<'a> Cursor<'a> {
    /// At the end of nothing, for batches with this clock.
    pub fn new(version: Version, clock: Clock) -> Self {
        let n_args = timed_args(version);
        Self { rest: &[], end: 0, n_left: 0, time: Time(0), clock, n_args }
    }

    /// At an event that was read by other means.
    pub(crate) fn at(offset: u64, version: Version, clock: Clock) -> Self {
        Self { end: offset, ..Self::new(version, clock) }
    }

    /// Goes to the start of a batch, whose data this is.
    #[inline]
    pub fn begin(&mut self, batch: &Batch, data: &'a [u8]) {
        self.rest = data;
        self.end = batch.offset + data.len() as u64;
        self.n_left = data.len();
        self.time = self.clock.time(batch.base_ticks);
    }

    /// Where the last event stands. Units: bytes from the start of the trace.
    pub fn offset(&self) -> u64 {
        self.end - self.n_left as u64
    }

    /// The next event; false at the end of the batch.
    ///
    /// # Errors
    /// At an event that cannot be read. What follows of this thread would hang in the air: it is at its end.
    #[inline(always)]
    pub fn next(&mut self, event: &mut Timed) -> Result<bool, Error> {
        if self.rest.is_empty() {
            return Ok(false);
        }
        self.n_left = self.rest.len();
        match self.take_event(event) {
            Some(()) => Ok(true),
            None => Err(self.damage()),
        }
    }

    #[inline(always)]
    fn take_event(&mut self, event: &mut Timed) -> Option<()> {
        let (&number, rest) = self.rest.split_first()?;
        let n_args = self.n_args[usize::from(number)];
        event.ev = Ev(number);
        if n_args != NOT_TIMED
            && let Some(&bytes) = rest.first_chunk()
            && let window = Window::new(bytes)
            && let Some(n) = window.len(n_args + 1)
        {
            (event.window, event.is_long) = (window, false);
            self.rest = rest.get(n..)?;
            self.time = self.later(window.get(0));
        } else {
            self.take_long_event(event, rest, n_args)?;
        }
        event.time = self.time;
        Some(())
    }

    #[inline(always)]
    fn later(&self, ticks: u64) -> Time {
        Time(self.time.0.wrapping_add(self.clock.ns(ticks)))
    }

    /// An event of more than eight bytes, or near the end of its batch.
    #[inline(never)]
    fn take_long_event(&mut self, event: &mut Timed, mut rest: &'a [u8], n_args: u8) -> Option<()> {
        if n_args == NOT_TIMED {
            return None;
        }
        let ticks = take_varint(&mut rest)?;
        for arg in event.long_args.iter_mut().take(usize::from(n_args)) {
            *arg = take_varint(&mut rest)?;
        }
        event.is_long = true;
        self.rest = rest;
        self.time = self.later(ticks);
        Some(())
    }

    #[cold]
    fn damage(&mut self) -> Error {
        let found = self.rest.first().copied().unwrap_or(0);
        let is_known = self.n_args[usize::from(found)] != NOT_TIMED;
        self.rest = &[];
        let kind = if is_known {
            ErrorKind::BadVarint
        } else {
            ErrorKind::Misplaced { found, place: "events" }
        };
        kind.at(self.offset())
    }
}
