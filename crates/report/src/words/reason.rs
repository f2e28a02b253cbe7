//! Why a finding is trusted as far as it is, in words.

use std::borrow::Cow;

use diagnosis::finding::Reason;
use diagnosis::rules::FIRST_GROUP;
use evidence::words::plural;

use crate::numbers::whole_percent;

/// Half a sentence, after the level and a colon.
pub(crate) fn reason(reason: Reason) -> Cow<'static, str> {
    match reason {
        Reason::FewSamples(n) => format!("only {n} {}", plural(n, "sample")).into(),
        Reason::RoughShare(n) => format!("{n} samples: the share is rough").into(),
        Reason::ShareMeasured => {
            "the share was measured".into()
        }
        Reason::SharesMeasured => {
            "the shares were measured".into()
        }
        Reason::GrowthsCounted => {
            "growth frames were sampled, growths and sizes counted".into()
        }
        Reason::GrowthsEstimated => {
            "growths and sizes are estimated from a part of them".into()
        }
        Reason::ToolsAgree => {
            "samples of two tools agree that growth dominates here".into()
        }
        Reason::SizesAllocated => {
            "growth frames and the sizes allocated agree".into()
        }
        Reason::SizesNotMeasured => {
            "growth frames only: the final sizes were not measured".into()
        }
        Reason::MostIsNotGrowth => {
            "growth was measured; most of what the line costs is not growth, and a hint leaves that as it is".into()
        }
        Reason::SliceLengthsNotMeasured => {
            "their growth was measured; how long the slices become was not".into()
        }
        Reason::WhichSlicesNotMeasured => {
            "the function appends on other lines than this one: which of its slices grow was not measured".into()
        }
        Reason::WhichMapNotRecorded => {
            "maps of this type are made there and grow here; which map grows was not recorded".into()
        }
        Reason::LargerMapsLookAlike => {
            "maps that really hold 9 to 14 entries look the same; count them before you act".into()
        }
        Reason::CheckRunsInAnyGrowth => {
            "the check also runs, briefly, during any growth".into()
        }
        Reason::FewAssists(n) => format!("only {n} {}", plural(n, "assist")).into(),
        Reason::AssistsTimed => {
            "every assist was timed; writers that were never seen inside a map operation are missing".into()
        }
        Reason::LongestStopAlone => {
            "it rests on the longest stop alone".into()
        }
        Reason::FewStops(n) => format!("only {n} {}", plural(n, "stop")).into(),
        Reason::StopsTimed => {
            "every stop in the trace was timed".into()
        }
        Reason::SourcesAgree => {
            "several sources saw the waiting".into()
        }
        Reason::GuardNotMeasured => {
            "that the lock guards this map is not measured".into()
        }
        Reason::TimeNotKnown => {
            "the profile does not say which time it covers: compare the waiting with the time the program ran".into()
        }
        Reason::FewMisses(n) => format!("only {n} {} of misses", plural(n, "sample")).into(),
        Reason::MissTimeNotMeasured => {
            "where misses happen was sampled; what they cost in time was not measured".into()
        }
        Reason::OtherPathNotMeasured => {
            "what the other path would take here was not measured".into()
        }
        Reason::EntriesNotMeasured => format!(
            "a first group holds 1 to {FIRST_GROUP} entries, and the profile does not say how many"
        )
        .into(),
        Reason::OrderNotMeasured => {
            "order of access and cache misses were not measured".into()
        }
        Reason::HashFunctionsSeen => {
            "seen in the profile's hash functions".into()
        }
        Reason::KeyLengthNotMeasured => {
            "the length of keys was not measured".into()
        }
        Reason::UseAsKeysNotMeasured => {
            "the profile does not say whether all of these strings become keys".into()
        }
        Reason::DropsNotMeasured => {
            "arrays that a map outgrew count as dropped too; whether the map itself is dropped is not measured".into()
        }
        Reason::EntriesLeftNotMeasured => {
            "how many entries the arrays still hold was not measured".into()
        }
        Reason::SameKeyNotMeasured => {
            "both lookups were measured; that they are of the same key, and of the same map, was not".into()
        }
        Reason::MissesNotMeasured => {
            "what the time is spent on, and how large the maps are, was measured; misses of caches were not".into()
        }
        Reason::UseOfEntriesNotMeasured => {
            "iterating was measured; how many entries the map holds, and which of them the loop needs, was not".into()
        }
        Reason::MarkTimeNotMeasured => {
            "mark time per object is not in a profile; live bytes stand for it".into()
        }
        Reason::CallsTimed => {
            "every call was counted and timed".into()
        }
        Reason::AllSamples(n) => format!("{n} samples in the profile").into(),
        Reason::MayHide { samples, fraction } => format!("{samples} samples in the profile: by chance they may hide {}", whole_percent(fraction)).into(),
    }
}
