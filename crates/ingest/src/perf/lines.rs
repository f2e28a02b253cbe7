//! Addresses of a stack to lines of the binary.

use evidence::Frame;
use gobin::{Binary, FileOffset};
use gomap::classify_function;
use gopprof::MAX_FRAMES;

use super::mappings::{ByAddress, file_offset};
use crate::binary::FrameNames;
use crate::callers::is_of_standard_library;

/// Calls `each` with the frames of a stack that are in the binary, leaf first, until it says so; with as many as stacks
/// have at most.
pub(super) fn frames<'b>(
    of_binary: &ByAddress<'_>,
    binary: &'b Binary<'_>,
    stack: &[u64],
    mut each: impl FnMut(gobin::Frame<'b>) -> bool,
) {
    let mut n_frames = 0;
    for (depth, &address) in stack.iter().enumerate() {
        let Some(mapping) = of_binary.at(address) else { continue };
        let offset = file_offset(mapping, address);
        // What follows the leaf is where calls return to.
        let offset = FileOffset(offset.wrapping_sub(u64::from(depth > 0)));
        for frame in binary.link_addr(offset).into_iter().flat_map(|addr| binary.frames(addr)) {
            n_frames += 1;
            if each(frame) || n_frames == MAX_FRAMES {
                return;
            }
        }
    }
}

/// The frame nearest the leaf that is not of the standard library; or else the outermost that is not of the runtime.
pub(super) fn user_line<'b>(
    of_binary: &ByAddress<'_>,
    binary: &'b Binary<'_>,
    stack: &[u64],
    names: &mut FrameNames<'b>,
) -> Option<Frame> {
    let mut found = None;
    frames(of_binary, binary, stack, |frame| {
        if classify_function(frame.function).is_runtime() {
            return false;
        }
        found = Some(frame);
        !is_of_standard_library(frame.function)
    });
    found.map(|frame| names.frame(&frame))
}
