//! What is the matter, in words.

use std::borrow::Cow;

use diagnosis::finding::{Cause, KeyMaker, Visits, Within};
use diagnosis::rules::FIRST_GROUP;

use super::short_place;

/// One sentence without figures: they are in the evidence.
pub(crate) fn cause(cause: &Cause) -> Cow<'static, str> {
    match cause {
        Cause::FullSmallMaps { version } => format!(
            "maps here grow once and no further, as they do in {version} when a map of exactly {FIRST_GROUP} entries is overwritten"
        )
        .into(),
        Cause::HintTooSmall { make } => {
            let place = short_place(make);
            format!("the maps are made with a size hint at {place}, but hold more than that").into()
        }
        Cause::InnerMapsGrow { inner, outer } => format!(
            "each {inner} inside {outer} grows on its own from one group of {FIRST_GROUP}"
        )
        .into(),
        Cause::MapGrows => {
            "the map grows while it is filled, and every growth inserts its entries again".into()
        }
        Cause::GrowthIsAPart { most } => format!(
            "the map grows while it is filled, which is a part of what this line costs; the largest other part is {}",
            most.label()
        )
        .into(),
        Cause::SlicesGrow { within: Within::Line } => {
            "slices that this line appends to grow, and every growth copies them; that is not growth of the map".into()
        }
        Cause::SlicesGrow { within: Within::Function } => {
            "slices that this function appends to grow, and every growth copies them; its map holds slices, and does not \
             grow by that"
                .into()
        }
        Cause::PendingGrowth => {
            "the map is read while a growth is unfinished; reads never finish it".into()
        }
        Cause::WritersMarkForGrowth => {
            "goroutines that write here have to mark before growth gets its memory, and wait for that".into()
        }
        Cause::WritersMark => {
            "goroutines that write here have to mark before they can allocate, and wait for that".into()
        }
        Cause::LockHeldForMap { map_type, by } => {
            let map = map_type.as_deref().unwrap_or("the map");
            match by {
                Some(by) => format!("goroutines wait for a lock that {by} holds while it has {map} used here").into(),
                None => format!("goroutines wait for a lock that this function holds while it uses {map}").into(),
            }
        }
        Cause::MissesInSearch => {
            "map operations here wait for memory: groups, tags and keys are not in the cache".into()
        }
        Cause::StacksGrow => {
            "goroutines copy their stacks to larger ones while they are inside map operations".into()
        }
        Cause::LargeElements { above_bytes, callee } => format!(
            "elements above {above_bytes} bytes take {callee}, the general path, and an object of their own each"
        )
        .into(),
        Cause::SmallInnerMaps { inner, outer } => format!(
            "{inner} are made for few entries each, inside {outer}"
        )
        .into(),
        Cause::BothLevelsOnOneLine { outer } => format!(
            "{outer} is used with both keys on one line, and growth is not what it costs"
        )
        .into(),
        Cause::InterfaceKeys { map_type: Some(name) } => format!(
            "keys of {name} are interface values: hashed through their dynamic type"
        )
        .into(),
        Cause::InterfaceKeys { map_type: None } => {
            "keys are interface values: hashed through their dynamic type".into()
        }
        Cause::Hashing { key: Some(key) } => format!(
            "hashing keys of type {key} is a large part of the cost"
        )
        .into(),
        Cause::Hashing { key: None } => {
            "hashing keys is a large part of the cost".into()
        }
        Cause::KeysBuilt { by: KeyMaker::Function } => {
            "making strings in this function costs more than its maps do".into()
        }
        Cause::KeysBuilt { by: KeyMaker::Line } => {
            "making strings on this line costs half as much as its map operations, or more".into()
        }
        Cause::KeysBuilt { by: KeyMaker::Caller { function } } => format!(
            "making strings in {function}, which calls this function, costs more than the map here does"
        )
        .into(),
        Cause::KeysBuilt { by: KeyMaker::Callee { function } } => format!(
            "making strings in {function}, which is called just before, costs more than the maps of this function do"
        )
        .into(),
        Cause::LookedUpTwice { map_type, write } => format!(
            "{map_type} is read here and written at {}: if that is for the same key, it is looked up twice",
            short_place(write)
        )
        .into(),
        Cause::MapsDropped { with_outer: false } => {
            "maps are filled here and soon dropped".into()
        }
        Cause::MapsDropped { with_outer: true } => {
            "each call makes maps in a map, fills them here, and soon drops them all; where they come out alike, build them \
             once and keep them"
                .into()
        }
        Cause::MapsHandedOn => "each call makes maps here, fills them and hands them on".into(),
        Cause::HintTooLarge { map_type } => format!(
            "{} is made for far more entries than are put in: making it costs more than filling it",
            some_map(map_type.as_deref())
        )
        .into(),
        Cause::NeverShrinks { map_type } => format!(
            "{} has room for far more than it holds, and a loop goes through all of it: a map never gives its arrays back",
            some_map(map_type.as_deref())
        )
        .into(),
        Cause::ClearOutweighsWrites { map_type } => format!(
            "{} costs far more to clear than to fill: clear() goes through all its room, and it holds little",
            some_map(map_type.as_deref())
        )
        .into(),
        Cause::IterationDominates { map_type, visits: Visits::Few } => format!(
            "{} is ranged over here for few entries each time: to begin such a loop costs as much as several of them",
            some_map(map_type.as_deref())
        )
        .into(),
        Cause::IterationDominates { map_type, visits: Visits::NotKnown } => format!(
            "{} is ranged over here, which is much of what this program does",
            some_map(map_type.as_deref())
        )
        .into(),
        Cause::CollectorMarksMaps { map_type } => format!(
            "the collector is busy, and maps with pointers such as {map_type} are much of what it marks"
        )
        .into(),
        Cause::CollectorDominates { map_type } => format!(
            "the collector takes most of the CPU, more than all that maps do; maps with pointers such as {map_type} are a good \
             part of what it marks"
        )
        .into(),
        Cause::LongStops => {
            "collections stop all goroutines for a noticeable part of the time, or long at once".into()
        }
        Cause::ShortStops => {
            "collections stop all goroutines only briefly".into()
        }
        Cause::SmallWrites => {
            "the program waits for many small writes to storage; maps have no part in that".into()
        }
        Cause::LittleInMaps => {
            "maps are a small part of this program's CPU time".into()
        }
        Cause::SpreadThin { lines } => format!(
            "the cost of maps is spread over {lines} lines, and none of them is worth a change"
        )
        .into(),
        Cause::SpreadOverLines { map_type, lines } => format!(
            "the cost of {map_type} is spread over {lines} lines: none of them has most of it, but together they do"
        )
        .into(),
        Cause::SearchOutsideCache { map_type } => format!(
            "this line searches in {map_type}, which takes more memory than a processor's caches hold: that is mostly waiting for \
             memory, not growing"
        )
        .into(),
        Cause::MostlyRead => {
            "maps are mostly read, and growth is a small part of their cost".into()
        }
        Cause::NotGrowing { most } => {
            format!("the largest part of the map time at this line is {}, not growing", most.label()).into()
        }
    }
}

/// The type of a map, or what stands for it.
fn some_map(map_type: Option<&str>) -> &str {
    map_type.unwrap_or("a map")
}

#[cfg(test)]
mod tests {
    use diagnosis::finding::Spent;

    use super::*;

    #[test]
    fn who_holds_the_lock_is_named_and_the_map_where_it_is_known() {
        let text = |map_type: Option<&str>, by: Option<&str>| {
            let (map_type, by) = (map_type.map(str::to_owned), by.map(str::to_owned));
            cause(&Cause::LockHeldForMap { map_type, by }).into_owned()
        };
        let own = "goroutines wait for a lock that this function holds while it uses the map";
        assert_eq!(text(None, None), own);
        let other =
            "goroutines wait for a lock that main.get holds while it has map[string]int used here";
        assert_eq!(text(Some("map[string]int"), Some("main.get")), other);
    }

    #[test]
    fn what_takes_most_of_the_time_is_part_of_a_sentence() {
        let text = |most| cause(&Cause::NotGrowing { most });
        let hashing = "the largest part of the map time at this line is hashing keys, not growing";
        assert_eq!(text(Spent::Hashing), hashing);
        let helping =
            "the largest part of the map time at this line is helping the collector, not growing";
        assert_eq!(text(Spent::HelpingCollector), helping);
    }
}
