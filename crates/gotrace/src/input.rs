//! Where the bytes of a trace are.

use std::borrow::Cow;

use crate::error::ErrorKind;

/// A trace in memory, or one that is read piece by piece: a batch of up to 64 KiB at a time, those with events in the
/// order of threads.
pub trait Input<'a> {
    /// Length of the trace.
    fn n_bytes(&self) -> u64;

    /// The bytes from an offset on; fewer than `len` only where the trace ends.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`].
    fn bytes(&self, offset: u64, len: usize) -> Result<Cow<'a, [u8]>, ErrorKind>;
}

impl<'a> Input<'a> for &'a [u8] {
    #[inline]
    fn n_bytes(&self) -> u64 {
        self.len() as u64
    }

    #[inline]
    fn bytes(&self, offset: u64, len: usize) -> Result<Cow<'a, [u8]>, ErrorKind> {
        let tail = usize::try_from(offset).ok().and_then(|start| self.get(start..));
        let tail = tail.unwrap_or_default();
        Ok(Cow::Borrowed(tail.get(..len).unwrap_or(tail)))
    }
}
