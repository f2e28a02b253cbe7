//! Recordings of simulated maps: what these cost in truth is in the ranges.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use goabi::{GoVersion, MapImpl, Nested};
use gomap::{GrowKind, MapShape};
use gomap_oracle::{Op, Outcome, Simulation};

use super::*;
use crate::finding::Span;
use crate::source_id;
use evidence::{
    GrowStep, Growth, MakeSite, MapType, Precision, ProcessGrowth, Sampled, Site, SiteGrowth,
    TypePart,
};

const OUTER: &str = "map[string]map[int32]bool";
const INNER: &str = "map[int32]bool";
const VERSIONS: [(&str, MapImpl); 2] =
    [("go1.21.13", MapImpl::Classic), ("go1.27.3", MapImpl::Swiss)];

/// Records what simulated maps do.
struct Recorder {
    evidence: Evidence,
    version: GoVersion,
    map_impl: MapImpl,
    n_runs: u64,
}

impl Recorder {
    fn new((version, map_impl): (&str, MapImpl)) -> Self {
        let version = GoVersion::parse(version).unwrap();
        let mut evidence = Evidence::default();
        evidence.program.go_version = Some((version, source_id(0)));
        evidence.program.map_impl = Some((map_impl, source_id(0)));
        Self { evidence, version, map_impl, n_runs: 0 }
    }

    fn shape(&self, map: &str) -> MapShape {
        MapShape::with_impl(self.map_impl, self.version, &map.parse().unwrap()).unwrap()
    }

    /// Fills a map, and hands each growth on.
    fn fill(
        &mut self,
        shape: MapShape,
        (n, hint): (u64, u64),
        mut grown: impl FnMut(GrowStep),
    ) -> Outcome {
        self.n_runs += 1;
        let mut map = Simulation::new(shape, hint, self.n_runs).unwrap();
        for key in 0..n {
            let before = map.outcome();
            map.apply(Op::Set(key));
            let after = map.outcome();
            for kind in GrowKind::ALL.into_iter().filter(|&k| after.grows[k] > before.grows[k]) {
                let (slots, moved_entries) = (before.slots, after.begun - before.begun);
                grown(GrowStep {
                    kind,
                    before: slots,
                    after: after.slots,
                    local_depth: None,
                    grows: 1,
                    sampled: Sampled::default(),
                    moved_entries,
                });
            }
        }
        map.outcome()
    }

    /// Fills maps at a line; returns what each cost.
    fn record(&mut self, line: u32, map: &str, sizes: &[u64]) -> Vec<Outcome> {
        self.record_as(line, map, map, sizes)
    }

    fn record_as(&mut self, line: u32, name: &str, map: &str, sizes: &[u64]) -> Vec<Outcome> {
        self.record_all(line, name, map, &sizes.iter().map(|&n| (n, 0)).collect::<Vec<_>>())
    }

    /// Fills maps that are all made with one size hint.
    fn record_hinted(&mut self, line: u32, map: &str, sizes: &[u64], hint: u64) -> Vec<Outcome> {
        self.record_all(line, map, map, &sizes.iter().map(|&n| (n, hint)).collect::<Vec<_>>())
    }

    /// Says that maps were made with hints.
    fn hint(&mut self, n: u64, sum_hints: u64) {
        let frame = self.evidence.sites[0].frame.clone();
        let map_type = "map[string]int".to_owned();
        self.evidence.hints.push(HintedMakes { frame, map_type, n, sum_hints });
    }

    fn record_all(
        &mut self,
        line: u32,
        name: &str,
        map: &str,
        sizes: &[(u64, u64)],
    ) -> Vec<Outcome> {
        let shape = self.shape(map);
        let mut steps: BTreeMap<(u64, GrowKind), GrowStep> = BTreeMap::new();
        let outcomes = sizes.iter().map(|&size| {
            self.fill(shape, size, |step| {
                let sum = steps.entry((step.before, step.kind)).or_insert(GrowStep {
                    grows: 0,
                    moved_entries: 0,
                    ..step
                });
                sum.grows += step.grows;
                sum.moved_entries += step.moved_entries;
            })
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        let sum = |of: fn(&GrowStep) -> u64| steps.values().map(of).sum();
        let (grows, moved_entries) = (sum(|step| step.grows), sum(|step| step.moved_entries));
        let total =
            Growth { grows, moved_entries, moved_bytes: moved_entries * 8, ..Growth::default() };
        let steps = steps.into_values().collect();
        let growth =
            TypeGrowth { map_type: name.to_owned(), total, steps, ..TypeGrowth::default() };
        let site = Site {
            growth: Some(SiteGrowth { total, types: vec![growth] }),
            ..Site::at(Frame { function: "main.fill".into(), file: "main.go".into(), line })
        };
        self.evidence.sites.push(site);
        outcomes
    }
}

/// What follows from what was recorded.
fn recorded(evidence: &Evidence) -> Vec<RecordedMaps> {
    let mut evidence = evidence.clone();
    evidence.derive_sizes();
    recorded_maps(&evidence)
}

/// Sizes up to 800, most of them small.
fn sizes(n: u64) -> Vec<u64> {
    (0..n).map(|i| 9 + i * 7919 % 791 / (1 + i % 7)).collect()
}

fn assert_inside(costs: &Costs, outcomes: &[Outcome], what: &str) {
    let sum = |of: &dyn Fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>() as i64;
    let grows = |of: &Outcome| GrowKind::ALL.iter().map(|&kind| of.grows[kind]).sum();
    let pairs: [(Span, i64); 7] = [
        (costs.grows, sum(&grows)),
        (costs.begun_entries, sum(&|of| of.begun)),
        (costs.moved_entries, sum(&|of| of.moved)),
        (costs.allocations, sum(&|of| of.allocations)),
        (costs.allocated_bytes, sum(&|of| of.allocated_bytes)),
        (costs.held_objects, sum(&|of| of.retained_objects)),
        (costs.pointer_bytes, sum(&|of| of.pointer_bytes)),
    ];
    for (span, counted) in pairs {
        assert!((span.low..=span.high).contains(&counted), "{what}: {counted} {span:?} {costs:?}");
    }
}

fn costs(maps: &RecordedMaps, wanted: Rewrite) -> Costs {
    let rewrites = maps.rewrites.as_ref().unwrap();
    rewrites.iter().find(|(rewrite, _)| *rewrite == wanted).unwrap().1
}

#[test]
fn what_maps_cost_is_in_the_range_of_their_sizes() {
    for version in VERSIONS {
        let mut recorder = Recorder::new(version);
        let sizes = sizes(300);
        let today = recorder.record(1, "map[string]int", &sizes);
        let maps = recorded(&recorder.evidence);
        let [maps] = &maps[..] else { panic!("{maps:?}") };
        assert_eq!(maps.growth.sizes.as_ref().unwrap().n_maps(), 300);
        assert_inside(&costs(maps, Rewrite::Today), &today, "today");
        // Every growth was recorded, so the model has to say the same, without a range.
        let begun: u64 = today.iter().map(|of| of.begun).sum();
        let of_model = costs(maps, Rewrite::Today).begun_entries;
        assert_eq!(of_model, Span { low: begun as i64, high: begun as i64 });
        let shape = recorder.shape("map[string]int");
        let presized: Vec<Outcome> =
            sizes.iter().map(|&n| recorder.fill(shape, (n, n), |_| {})).collect();
        assert_inside(&costs(maps, Rewrite::Presized), &presized, "presized");
        assert_eq!(maps.inner.as_ref().unwrap_err(), &NotFlattened::NoMaps);
    }
}

#[test]
fn maps_in_maps_are_joined_and_flattened() {
    for version in VERSIONS {
        let mut recorder = Recorder::new(version);
        // 50 of 250 inner maps stay at 1 to 8 entries, which the recording does not see.
        let mut inner = sizes(200);
        inner.extend((0..50).map(|i| 1 + i % 8));
        let n_entries: u64 = inner.iter().sum();
        let mut today = recorder.record(7, INNER, &inner);
        today.extend(recorder.record(5, OUTER, &[250]));
        let maps = recorded(&recorder.evidence);
        let [maps] = &maps[..] else { panic!("{maps:?}") };
        assert_eq!((maps.frame.line, maps.growth.map_type.as_str()), (5, OUTER));
        let of_inner = maps.inner.as_ref().unwrap();
        assert_eq!(of_inner.frame.as_ref().unwrap().line, 7);
        assert!((of_inner.unseen.at_least..=of_inner.unseen.room).contains(&50));
        assert_inside(&costs(maps, Rewrite::Today), &today, "today");
        let flat: gomap::MapType = OUTER.parse().unwrap();
        let (map_impl, version) = (recorder.map_impl, recorder.version);
        let flat = MapShape::with_impl(map_impl, version, &flat.flattened().unwrap()).unwrap();
        for (rewrite, hint) in [(Rewrite::Flattened, 0), (Rewrite::FlattenedPresized, n_entries)] {
            let outcome = recorder.fill(flat, (n_entries, hint), |_| {});
            assert_inside(&costs(maps, rewrite), &[outcome], "flat");
        }
        let shapes = [(INNER, inner.as_slice()), (OUTER, &[250])]
            .map(|(map, sizes)| (recorder.shape(map), sizes));
        let presized =
            shapes.into_iter().flat_map(|(shape, sizes)| sizes.iter().map(move |&n| (shape, n)));
        let presized: Vec<Outcome> =
            presized.map(|(shape, n)| recorder.fill(shape, (n, n), |_| {})).collect();
        assert_inside(&costs(maps, Rewrite::Presized), &presized, "presized");
    }
}

#[test]
fn maps_of_which_none_grew_are_known_by_the_maps_that_hold_them() {
    let mut recorder = Recorder::new(VERSIONS[1]);
    recorder.record(5, OUTER, &[300]);
    let maps = recorded(&recorder.evidence);
    let inner = maps[0].inner.as_ref().unwrap();
    assert_eq!((inner.unseen.at_least, inner.unseen.room), (225, 448));
    assert!(inner.growth.is_none() && inner.flat.is_ok());
}

/// Maps made with a hint do not grow either.
#[test]
fn maps_that_never_grew_hold_what_their_hints_have_room_for() {
    for (version, most) in VERSIONS.into_iter().zip([192, 112]) {
        let mut recorder = Recorder::new(version);
        let mut today = recorder.record(5, OUTER, &[300]);
        let frame = Frame { function: "main.fill".into(), file: "main.go".into(), line: 7 };
        let makes = MakeSite {
            frame: frame.clone(),
            map_type: Some(INNER.to_owned()),
            has_hint: true,
            is_local: false,
        };
        recorder.evidence.makes.push(makes);
        let map_type = INNER.to_owned();
        let hints = HintedMakes { frame, map_type, n: 300, sum_hints: 300 * 100 };
        recorder.evidence.hints.push(hints.clone());
        let maps = recorded(&recorder.evidence);
        let inner = maps[0].inner.as_ref().unwrap();
        assert_eq!((inner.hints.as_ref(), &inner.growth), (Some(&hints), &None));
        assert_eq!(maps[0].unseen.as_ref().map(|unseen| unseen.room), Some(most));
        let shape = recorder.shape(INNER);
        today.extend((0..300).map(|_| recorder.fill(shape, (100, 100), |_| {})));
        assert_inside(&costs(&maps[0], Rewrite::Today), &today, "hinted");
        let flat: gomap::MapType = OUTER.parse().unwrap();
        let (map_impl, version) = (recorder.map_impl, recorder.version);
        let flat = MapShape::with_impl(map_impl, version, &flat.flattened().unwrap()).unwrap();
        let outcome = recorder.fill(flat, (30_000, 0), |_| {});
        assert_inside(&costs(&maps[0], Rewrite::Flattened), &[outcome], "flat");

        // The binary shows the hint, but no window met it.
        recorder.evidence.hints.clear();
        let precision = Precision::Estimated;
        let growth = ProcessGrowth { precision, ..ProcessGrowth::of(source_id(0)) };
        recorder.evidence.growth = Some(growth);
        let maps = recorded(&recorder.evidence);
        assert_eq!(maps[0].rewrites, Err(NoForecast::UnknownHints));
    }
}

#[test]
fn what_stands_in_what_is_not_guessed() {
    let mut recorder = Recorder::new(VERSIONS[1]);
    recorder.record(5, OUTER, &[20]);
    recorder.record(7, INNER, &[20; 10]);
    recorder.record(9, INNER, &[20; 10]);
    let maps = recorded(&recorder.evidence);
    let outer = maps.iter().find(|maps| maps.growth.map_type == OUTER).unwrap();
    assert_eq!(outer.inner.as_ref().unwrap_err(), &NotFlattened::SeveralLines);
    let inner = maps.iter().filter(|maps| maps.growth.map_type == INNER);
    assert!(inner.map(|maps| *maps.inner.as_ref().unwrap_err()).eq([NotFlattened::OuterUnseen; 2]));

    let mut recorder = Recorder::new(VERSIONS[1]);
    recorder.record(5, OUTER, &[20]);
    recorder.record(7, INNER, &[20; 29]);
    let maps = recorded(&recorder.evidence);
    let outer = maps.iter().find(|maps| maps.growth.map_type == OUTER).unwrap();
    let too_many = NotFlattened::TooMany { grown: 29, room: 28 };
    assert_eq!(outer.inner.as_ref().unwrap_err(), &too_many);
}

#[test]
fn maps_of_a_type_that_others_could_hold_are_not_in_them_for_that() {
    let mut recorder = Recorder::new(VERSIONS[1]);
    recorder.record(5, OUTER, &[20]);
    recorder.record(7, INNER, &[20; 10]);
    recorder.evidence.sites[1].frame.function = "main.count".into();
    let of = |evidence: &Evidence, map: &str| {
        let maps = recorded(evidence).into_iter().find(|maps| maps.growth.map_type == map);
        maps.map(|maps| maps.inner.map(|inner| inner.frame.map(|frame| frame.line)))
    };
    assert_eq!(of(&recorder.evidence, OUTER), Some(Err(NotFlattened::OtherFunctions)));
    assert_eq!(of(&recorder.evidence, INNER), Some(Err(NotFlattened::NoMaps)));

    // By the machine code the maps of the function come out of such maps.
    let part = |name: &str, size| TypePart {
        name: name.to_owned(),
        size,
        has_pointers: true,
        is_interface: false,
    };
    let holder = MapType {
        name: OUTER.to_owned(),
        key: part("string", 16),
        elem: part(INNER, 8),
        nested: Nested::Direct,
        group_bytes: 8 + 8 * 24,
    };
    recorder.evidence.sites[1].holders.push(holder);
    assert_eq!(of(&recorder.evidence, OUTER), Some(Ok(Some(7))));
}

#[test]
fn declared_types_need_the_binary() {
    let mut recorder = Recorder::new(VERSIONS[1]);
    recorder.record_as(5, "main.totals", "map[string]int", &[20]);
    let maps = recorded(&recorder.evidence);
    assert_eq!(maps[0].rewrites, Err(NoForecast::UnknownType));
    let part = |name: &str, size, has_pointers| TypePart {
        name: name.to_owned(),
        size,
        has_pointers,
        is_interface: false,
    };
    recorder.evidence.map_types.push(MapType {
        name: "main.totals".to_owned(),
        key: part("string", 16, true),
        elem: part("int", 8, false),
        nested: Nested::No,
        group_bytes: 8 + 8 * 24,
    });
    let maps = recorded(&recorder.evidence);
    let mut written = Recorder::new(VERSIONS[1]);
    written.record(5, "map[string]int", &[20]);
    assert_eq!(maps[0].rewrites, recorded(&written.evidence)[0].rewrites);
}

#[test]
fn today_is_with_the_hints_that_were_recorded() {
    for version in VERSIONS {
        let mut recorder = Recorder::new(version);
        let today = recorder.record_hinted(5, "map[string]int", &[100, 100], 25);
        recorder.hint(2, 50);
        let maps = recorded(&recorder.evidence);
        assert!(maps[0].hints.is_some());
        assert_inside(&costs(&maps[0], Rewrite::Today), &today, "hinted");
    }
}

#[test]
fn hints_that_other_growths_would_follow_from_are_of_other_maps() {
    for version in VERSIONS {
        let mut recorder = Recorder::new(version);
        let today = recorder.record(5, "map[string]int", &[100, 100]);
        recorder.hint(2, 200);
        let maps = recorded(&recorder.evidence);
        assert_eq!(maps[0].hints, None);
        assert_inside(&costs(&maps[0], Rewrite::Today), &today, "not hinted");
    }
}

#[test]
fn today_never_contradicts_growths_of_maps_whose_hints_are_not_known() {
    for version in VERSIONS {
        let mut recorder = Recorder::new(version);
        let today = recorder.record_hinted(5, "map[string]int", &[100, 100], 25);
        let maps = recorded(&recorder.evidence);
        assert_inside(&costs(&maps[0], Rewrite::Today), &today, "hints not known");
    }
}

#[test]
fn growths_of_no_line_are_not_of_maps_of_one_size() {
    let mut recorder = Recorder::new(VERSIONS[1]);
    recorder.record(5, "map[string]int", &[20]);
    recorder.evidence.sites[0].growth.as_mut().unwrap().types[0].has_no_line = true;
    assert!(recorded(&recorder.evidence).is_empty());
    recorder.evidence.derive_sizes();
    let growth = recorder.evidence.sites[0].growth.as_ref().unwrap();
    assert_eq!(growth.types[0].sizes, Err(NoSizes::NoLine));
}

#[test]
fn without_sizes_or_version_there_is_no_forecast() {
    let mut recorder = Recorder::new(VERSIONS[1]);
    recorder.record(5, "map[string]int", &[20]);
    let mut evidence = recorder.evidence;
    evidence.sites[0].growth.as_mut().unwrap().types[0].steps.clear();
    assert_eq!(recorded(&evidence)[0].rewrites, Err(NoForecast::NoSizes(NoSizes::NoneStopped)));
    evidence.program.go_version = None;
    assert_eq!(recorded(&evidence)[0].rewrites, Err(NoForecast::UnknownVersion));
}
