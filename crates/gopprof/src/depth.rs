//! How many frames the stack of a sample has.
//!
//! A location is in the file once, with all lines that were inlined there, and a sample names it with a byte: the product
//! of both is not bounded by the size of the file.

use wire::take_varint;

use crate::error::{ErrorKind, Faults};
use crate::model::{Location, Profile};
use crate::samples::{Encoded, SampleBuffer};

/// More frames than a stack has, those of inlined functions included: four times as many as Go's profilers take
/// locations when told to take most of them.
/// Source: runtime/mprof.go, `maxProfStackDepth`, Go 1.23 to 1.27.
pub const MAX_FRAMES: usize = 4096;

/// Drops, of samples with more than [`MAX_FRAMES`] frames, the locations next to the root. `longest` is the length of the
/// longest of the encoded stacks. The samples are sound.
///
/// Complexity: O(locations), unless some stack can have that many frames.
pub(crate) fn cut_deep_samples(profile: &mut Profile, longest: usize, faults: &mut Faults) {
    let most_frames = profile.locations.iter().map(n_frames).max().unwrap_or(0);
    // A location takes a byte at least.
    if longest.saturating_mul(most_frames) <= MAX_FRAMES {
        return;
    }
    let kept_of = |encoded: Encoded<'_>| kept(encoded.locations, &profile.locations);
    let mut new = SampleBuffer::default();
    for (sample, offset) in profile.samples.with_offsets(profile) {
        let Encoded { locations, .. } = sample.encoded;
        let n_bytes = kept_of(sample.encoded);
        if n_bytes < locations.len() {
            faults.add(ErrorKind::ManyFrames { max: MAX_FRAMES }.at(offset));
        }
        new.push(Encoded { locations: &locations[..n_bytes], ..sample.encoded });
    }
    profile.samples = new;
}

/// Length of that part of an encoded stack, from the leaf, which has no more frames than are kept.
fn kept(locations: &[u8], table: &[Location]) -> usize {
    let mut rest = locations;
    let (mut frames, mut n_bytes) = (0, 0);
    while let Some(id) = take_varint(&mut rest) {
        let location = usize::try_from(id.wrapping_sub(1)).ok().and_then(|idx| table.get(idx));
        frames += location.map_or(1, n_frames);
        if frames > MAX_FRAMES {
            break;
        }
        n_bytes = locations.len() - rest.len();
    }
    n_bytes
}

/// A location of which nothing is known stands for one function.
fn n_frames(location: &Location) -> usize {
    location.lines.len().max(1)
}
