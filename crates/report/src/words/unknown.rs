//! Why sizes and forecasts of recorded maps are not known, in words.

use std::borrow::Cow;

use diagnosis::rewrites::{NoForecast, NotFlattened};
use evidence::TypeGrowth;
use evidence::sizes::NoSizes;

use crate::growth::maps;
use crate::numbers::count;

/// Why the sizes of maps are not known, as it follows "sizes are not known: ".
pub fn no_sizes(reason: NoSizes) -> &'static str {
    match reason {
        NoSizes::UnknownVersion => "the recording does not say a Go version whose maps are known",
        NoSizes::NoneStopped => "no map here is known to have stopped growing",
        NoSizes::TooFew => {
            "too few growths were seen to tell how large these maps become; record longer, or with --max-overhead 100"
        }
        NoSizes::NoRange => {
            "growths were estimated by an older mapscope, which did not write how far they can be off; record again"
        }
        NoSizes::FewBlocks => {
            "the heap profile has too few samples of arrays that small maps take; mapscope record shows sizes, or a heap \
             profile of a longer run or with a lower runtime.MemProfileRate"
        }
        NoSizes::BeginLarger => {
            "by the heap profile, more maps have a large array than a smaller one: some are made with a hint"
        }
        NoSizes::NoLine => "which lines these maps are of was not recorded",
        NoSizes::Uncounted => {
            "a part of the time nothing was counted, and maps may have grown on in it; record longer, or with --max-overhead 100"
        }
    }
}

/// Why there is no forecast of the maps that grew so.
pub fn no_forecast(reason: NoForecast, growth: &TypeGrowth) -> String {
    match reason {
        NoForecast::NoSizes(reason) => format!("sizes are not known: {}", no_sizes(reason)),
        NoForecast::UnknownType => format!(
            "what {} looks like is not known; name the binary after the recording",
            growth.map_type
        ),
        NoForecast::UnknownVersion => no_sizes(NoSizes::UnknownVersion).to_owned(),
        NoForecast::UnknownHints => {
            "maps in these are made with a hint whose size no window met; record longer, or with --max-overhead 100".to_owned()
        }
    }
}

/// Why maps of maps are not flattened; `None` where there are none.
pub(crate) fn not_flattened(reason: NotFlattened) -> Option<Cow<'static, str>> {
    Some(match reason {
        NotFlattened::NoMaps => return None,
        NotFlattened::OuterUnseen => "the maps that hold these were not seen to grow".into(),
        NotFlattened::SeveralLines => {
            "several lines grow such maps: which stand in which was not recorded".into()
        }
        NotFlattened::OtherFunctions => {
            "such maps grow in other functions: whether they stand in these was not recorded".into()
        }
        NotFlattened::TooMany { grown, room } => format!(
            "{} grew inside maps with room for {}: some were replaced, or stand elsewhere",
            maps(grown),
            count(room)
        )
        .into(),
        NotFlattened::UnknownSizes => {
            "how large some of these maps become, or of those in them, is not known".into()
        }
        NotFlattened::UnknownType => {
            "the alignment of keys and elements declared in packages is not known".into()
        }
    })
}
