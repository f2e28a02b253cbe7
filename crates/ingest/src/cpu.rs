//! CPU profiles to the cost of each site.
//!
//! For each sample:
//! 1. The classes of its frames say whether it is inside a map operation, and which ([`gomap::classify_stack`]).
//! 2. The site is the first frame above that operation that is not the runtime's.
//! 3. The sample counts once for every line and every function on its stack, as the `cum` column of
//!    `go tool pprof` does.

mod keys;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use evidence::words::plural;
use evidence::{
    Builder, Caller, Cost, CostByOp, CostByWork, CostSplit, CpuAside, CpuUnit, Depth, FirstCaller,
    Frame, FunctionCost, FunctionId, LineId, OfSource, ProcessCpu, SiteCpu, SiteLocks, SourceId,
    StackTree,
};
use goabi::MapImpl;
use gomap::{FrameClass, Kind, StackClass, classify_stack};
use gopprof::{Profile, ValueType};

use self::keys::KeysMade;
use crate::error::Error;
use crate::folded::gcd;
use crate::lines::{FrameInfo, Lines, LocationFrames, user_of};
use crate::nameless::Nameless;
use crate::stacks::StackBuilder;

/// First callers kept per site.
const MAX_FIRST_CALLERS: usize = 3;
/// Leaf functions kept per site.
const MAX_LEAVES: usize = 12;
/// Lines that call kept per site.
const MAX_CALLERS: usize = 12;
/// Shorter is no period of samples, as no kernel takes them more often: exports have 1 in its place. Units: nanoseconds.
const SHORTEST_PERIOD_NS: u64 = 10_000;
/// Nobody takes samples more rarely: exports of Pyroscope say 1 s, whatever the period was. Units: nanoseconds.
const LONGEST_PERIOD_NS: u64 = 500_000_000;
/// No profiler of whole programs takes samples more often unless it is told to. Units: nanoseconds.
const SHORTEST_SHARED_NS: u64 = 1_000_000;
/// Stacks that were sampled once, which tell the period where it is not said.
const ENOUGH_SINGLE: usize = 10;
/// Said of CPU samples of a recording beside counts without a time.
const OTHER_UNIT: &str =
    "its CPU samples are not used: those before it are counts without their CPU time";
/// Frames of the user above that of a site which are looked at: who takes a lock or makes a key is near.
const CALLER_STEPS: usize = 4;

/// Sums CPU profiles.
#[derive(Debug)]
pub(crate) struct CpuCollector {
    lines: Lines,
    process: ProcessCpu,
    /// Whether all profiles say which time they cover.
    has_durations: bool,
    sites: HashMap<LineId, SiteSums>,
    by_line: Places,
    by_function: Places,
    stacks: Option<StackBuilder>,
    n_samples_seen: u32,
    /// Lines that call a function which makes strings, with that; a sample counts once.
    helpers: HashMap<(LineId, FunctionId), Sums>,
    /// Whether some function locks or makes keys, of the profiles so far: callers are of no use else.
    callers_tell: bool,
}

/// What CPU profiles say.
#[derive(Debug)]
pub(crate) struct CpuSums {
    process: ProcessCpu,
    sites: Vec<CpuSite>,
    stacks: Option<StackTree>,
    /// What to know of the stacks.
    notice: Option<String>,
}

/// A line that uses maps.
#[derive(Debug)]
struct CpuSite {
    frame: Frame,
    inlined_into: Vec<Frame>,
    first_callers: Vec<FirstCaller>,
    generic_callers: Vec<Frame>,
    cpu: SiteCpu,
}

/// Sums of each line or each function over samples; a sample counts once however often it passes through.
#[derive(Debug, Default)]
struct Places {
    /// What each sample touches for each of its frames: small, so that more of them are in the cache.
    sums: Vec<Sums>,
    /// What few samples touch; as long as `sums`.
    parts: Vec<Parts>,
}

/// Sums of a line or a function.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// Number of the last sample counted, from 1.
    last_sample: u32,
    cum: Cost,
}

/// Parts of the sums of a line or a function.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    /// Strings and interface values.
    key_conversion: Cost,
    /// Strings alone.
    strings: Cost,
    /// Growing slices that are appended to here, and not in a function that is called.
    slice_growth: Cost,
    /// The part below a function of a mutex.
    locking: Cost,
}

/// What a frame of a stack does by what it calls, directly or through the runtime.
#[derive(Debug, Clone, Copy, Default)]
struct Below {
    /// It is the user's, and calls what makes a string or an interface value.
    converts_key: bool,
    /// It is a string.
    makes_string: bool,
    /// It is the user's, and appends to a slice that is full.
    grows_slice: bool,
    /// It is in a function of a mutex, or below it one is.
    is_locking: bool,
    is_in_conversion: bool,
    is_in_boxing: bool,
    is_in_slice_growth: bool,
}

#[derive(Debug, Default)]
struct SiteSums {
    map: Cost,
    by_op: CostByOp,
    split: CostSplit,
    by_work: CostByWork,
    growth: Cost,
    growth_gc: Cost,
    stack_growth: Cost,
    /// By the lines that it was inlined into, innermost first.
    copies: HashMap<Vec<LineId>, Cost>,
    entry_points: HashMap<FunctionId, Cost>,
    leaves: HashMap<FunctionId, Cost>,
    samples_by_depth: HashMap<u32, u64>,
    callers: HashMap<LineId, CallerSums>,
    /// Where it is in a library: by the nearest line that the user can change.
    first_callers: HashMap<LineId, Cost>,
    /// Of generic code: the nearest lines that called it and are not generic; `None` is where there was none.
    generic_callers: HashSet<Option<LineId>>,
}

/// What is below a line that calls a function which uses maps.
#[derive(Debug, Clone, Copy)]
struct CallerSums {
    /// Fewest frames of the user that it is above the site's.
    n_above: u32,
    map: Cost,
}

/// What the profile's values mean.
pub(crate) struct Values {
    samples: Option<usize>,
    /// Column of the CPU time, and what its values count. Units: nanoseconds.
    cpu: Option<(usize, u64)>,
    /// `None` where the profile does not say it, or says something else.
    ns_per_sample: Option<u64>,
}

impl CpuCollector {
    /// To sum up profiles, the first of which is this input, of a program whose module has this path, if it is known.
    pub(crate) fn new(first: SourceId, keep_stacks: bool, main_module: Option<&str>) -> Self {
        Self {
            lines: Lines::of_program(main_module),
            process: ProcessCpu::of(first),
            has_durations: true,
            sites: HashMap::new(),
            by_line: Places::default(),
            by_function: Places::default(),
            stacks: keep_stacks.then(StackBuilder::default),
            n_samples_seen: 0,
            helpers: HashMap::new(),
            callers_tell: false,
        }
    }

    pub(crate) fn add(
        &mut self,
        profile: &Profile,
        source: &mut OfSource<'_>,
    ) -> Result<(), Error> {
        let values = Values::of(profile).map_err(|reason| Error::Unusable {
            name: source.name().to_owned(),
            reason: reason.to_owned(),
        })?;
        if self.unit().is_some_and(|unit| unit != values.unit()) {
            source.notice(OTHER_UNIT);
            return Ok(());
        }
        self.process.unit = values.unit();
        self.process.sources.add(source.id());
        let is_time = values.unit() == CpuUnit::Nanoseconds;
        match u64::try_from(profile.duration_nanos).ok().filter(|&ns| is_time && ns > 0) {
            Some(ns) => {
                let sum = self.process.duration_ns.unwrap_or(0);
                self.process.duration_ns = Some(sum.saturating_add(ns));
            }
            None => self.has_durations = false,
        }
        let locations = self.lines.add_profile(profile);
        self.by_line.grow_to(self.lines.n_lines());
        self.by_function.grow_to(self.lines.n_functions());
        self.callers_tell |=
            self.lines.classes().iter().any(|of| of.is_lock() || of.is_key_conversion());
        self.add_samples(profile, &values, &locations);
        Ok(())
    }

    /// Of what was added, this may be map operations, and has no names.
    pub(crate) fn add_unnamed(&mut self, cost: Cost) {
        self.process.unnamed += cost;
    }

    /// All that was added may have been without the runtime.
    pub(crate) fn add_all_unnamed(&mut self) {
        self.process.unnamed = self.process.total;
    }

    /// What costs are measured in; `None` where nothing was counted yet.
    pub(crate) fn unit(&self) -> Option<CpuUnit> {
        (self.process.total != Cost::default()).then_some(self.process.unit)
    }

    fn add_samples(&mut self, profile: &Profile, values: &Values, locations: &LocationFrames) {
        let mut frames: Vec<FrameInfo> = Vec::new();
        let mut classes: Vec<FrameClass> = Vec::new();
        let mut ends: Vec<u32> = Vec::new();
        let nameless = Nameless::of(profile);
        for sample in profile.samples() {
            let cost = values.cost(&sample);
            if cost == Cost::default() {
                continue;
            }
            frames.clear();
            ends.clear();
            for location in sample.locations() {
                frames.extend_from_slice(locations.of(location));
                ends.push(frames.len() as u32);
            }
            classes.clear();
            classes.extend(frames.iter().map(|frame| frame.class));
            self.n_samples_seen += 1;
            let class = classify_stack(&classes);
            self.add_to_process(&class, cost);
            if !is_gc(class.kind) && classes.iter().any(|of| of.is_allocator()) {
                self.process.allocation += cost;
            }
            if !nameless.as_ref().is_some_and(|of| of.hides(&sample)) {
                self.add_to_site(&class, &frames, &ends, cost);
            } else if class.op.is_none() {
                self.process.unnamed += cost;
            }
            self.add_to_lines(&frames, cost);
            if let Some(stacks) = &mut self.stacks {
                stacks.add(frames.iter().rev().map(|frame| frame.function), cost);
            }
        }
    }

    fn add_to_process(&mut self, class: &StackClass, cost: Cost) {
        let process = &mut self.process;
        process.total += cost;
        process.split.add(class.category(), cost);
        if is_gc(class.kind) {
            process.gc += cost;
        }
        if let Some((op, _)) = class.op {
            process.by_op.add(op, cost);
            if class.is_growth() {
                process.growth += cost;
            }
        }
    }

    fn add_to_site(&mut self, class: &StackClass, frames: &[FrameInfo], ends: &[u32], cost: Cost) {
        let (Some((op, op_at)), Some(site_at)) = (class.op, user_of(class, frames)) else { return };
        let end = ends.iter().map(|&end| end as usize).find(|&end| end > site_at);
        let (outer, above) =
            frames[site_at + 1..].split_at(end.unwrap_or(frames.len()) - site_at - 1);
        let sums = self.sites.entry(frames[site_at].line).or_default();
        sums.add_copy(outer, cost);
        if self.callers_tell {
            sums.add_callers(frames[site_at].function, above, cost);
        }
        sums.add_owners(&frames[site_at], &frames[site_at + 1..], cost);
        sums.map += cost;
        sums.by_op.add(op, cost);
        sums.split.add(class.category(), cost);
        if let Some(work) = class.work() {
            sums.by_work.add(work, cost);
        }
        if class.is_growth() {
            sums.growth += cost;
            if is_gc(class.kind) {
                sums.growth_gc += cost;
            }
        }
        if class.grows_stack {
            sums.stack_growth += cost;
        }
        *sums.entry_points.entry(frames[op_at].function).or_default() += cost;
        let leaf = frames.iter().find(|frame| !frame.class.is_skipped_leaf()).unwrap_or(&frames[0]);
        *sums.leaves.entry(leaf.function).or_default() += cost;
        let of_depth = sums.samples_by_depth.entry(site_at as u32).or_default();
        *of_depth = of_depth.saturating_add(cost.samples.max(1));
    }

    /// Counts the sample once for each line and function on the stack.
    fn add_to_lines(&mut self, frames: &[FrameInfo], cost: Cost) {
        let mut below = Below::default();
        let mut helper: Option<FunctionId> = None;
        for frame in frames {
            below.enter(frame.class);
            if let Some(helper) = helper.take().filter(|of| *of != frame.function) {
                let sums = self.helpers.entry((frame.line, helper)).or_default();
                sums.count(self.n_samples_seen, cost);
            }
            if below.makes_string {
                helper = Some(frame.function);
            }
            self.by_line.count(frame.line.index(), self.n_samples_seen, cost, below);
            self.by_function.count(frame.function.index(), self.n_samples_seen, cost, below);
        }
    }

    /// The sums.
    pub(crate) fn finish(mut self) -> CpuSums {
        let mut assign_functions: Vec<FunctionCost> = self
            .lines
            .names()
            .zip(&self.by_function.sums)
            .filter(|(name, sums)| sums.cum.samples > 0 && name.starts_with("runtime.mapassign"))
            .map(|(name, sums)| FunctionCost { name: Arc::clone(name), cost: sums.cum })
            .collect();
        sort_costs(&mut assign_functions);
        self.process.assign_functions = assign_functions;
        self.process.duration_ns = self.process.duration_ns.filter(|_| self.has_durations);
        let sites = std::mem::take(&mut self.sites);
        let keys = self.keys_made();
        let site = |(line, sums)| self.site(line, sums, &keys);
        let sites = sites.into_iter().map(site).collect();
        let notice = self.stacks.as_ref().and_then(StackBuilder::notice);
        let stacks = self.stacks.take().map(|stacks| stacks.finish(&self.lines));
        CpuSums { process: self.process, sites, stacks, notice }
    }

    fn site(&self, line: LineId, sums: SiteSums, keys: &KeysMade) -> CpuSite {
        let function = self.lines.function_of(line).index();
        let of_line = self.by_line.parts[line.index()];
        let of_function = self.by_function.parts[function];
        let line_number = self.lines.frame(line).line;
        let cpu = SiteCpu {
            line: self.by_line.sums[line.index()].cum,
            function: self.by_function.sums[function].cum,
            function_locking: of_function.locking,
            map: sums.map,
            by_op: sums.by_op,
            split: sums.split,
            by_work: sums.by_work,
            growth: sums.growth,
            growth_gc: sums.growth_gc,
            stack_growth: sums.stack_growth,
            key_conversion: of_line.key_conversion,
            key_strings: of_line.of_strings(),
            function_key_conversion: keys.made_until(self.lines.function_of(line), line_number),
            key_helper: keys.helper(self.lines.function_of(line), line_number),
            slice_growth: of_line.slice_growth,
            function_slice_growth: of_function.slice_growth,
            entry_points: self.named(&sums.entry_points, usize::MAX),
            leaves: self.named(&sums.leaves, MAX_LEAVES),
            depth: depth(&sums.samples_by_depth),
            callers: self.callers(&sums, keys),
        };
        CpuSite {
            frame: self.lines.frame(line),
            inlined_into: self.inlined_into(&sums),
            first_callers: self.first_callers(&sums),
            generic_callers: self.generic_callers(&sums),
            cpu,
        }
    }

    /// The lines that are not generic and call one that is; none where they are not all known.
    fn generic_callers(&self, sums: &SiteSums) -> Vec<Frame> {
        let frame = |line: &Option<LineId>| Some(self.lines.frame((*line)?));
        let callers: Option<Vec<Frame>> = sums.generic_callers.iter().map(frame).collect();
        let mut callers = callers.unwrap_or_default();
        callers.sort();
        callers
    }

    /// The nearest lines that the user can change, by cost.
    fn first_callers(&self, sums: &SiteSums) -> Vec<FirstCaller> {
        let caller = |(&line, &cost)| FirstCaller { frame: self.lines.frame(line), cost };
        let mut callers: Vec<FirstCaller> = sums.first_callers.iter().map(caller).collect();
        callers
            .sort_by(|a, b| b.cost.cpu_ns.cmp(&a.cost.cpu_ns).then_with(|| a.frame.cmp(&b.frame)));
        callers.truncate(MAX_FIRST_CALLERS);
        callers
    }

    /// The lines that call it and take locks or make keys, those with the largest part of its cost.
    fn callers(&self, sums: &SiteSums, keys: &KeysMade) -> Vec<Caller> {
        let caller = |(&line, of): (&LineId, &CallerSums)| {
            let function = self.lines.function_of(line).index();
            let of_function = self.by_function.parts[function];
            let frame = self.lines.frame(line);
            let key_conversion = keys.made_near(self.lines.function_of(line), frame.line);
            let says = [of_function.locking, key_conversion];
            let caller = || Caller {
                frame,
                n_above: of.n_above,
                map: of.map,
                function: self.by_function.sums[function].cum,
                function_locking: of_function.locking,
                key_conversion,
                locks: SiteLocks::default(),
            };
            says.iter().any(|cost| *cost != Cost::default()).then(caller)
        };
        let mut callers: Vec<Caller> = sums.callers.iter().filter_map(caller).collect();
        callers.sort_by(|a, b| {
            let by_cost = b.map.cpu_ns.cmp(&a.map.cpu_ns);
            by_cost.then_with(|| (a.n_above, &a.frame).cmp(&(b.n_above, &b.frame)))
        });
        callers.truncate(MAX_CALLERS);
        callers
    }

    /// Lines that make strings, and that call functions which do.
    fn keys_made(&self) -> KeysMade {
        let mut keys = KeysMade::default();
        for line in self.lines.lines() {
            let made = self.by_line.parts[line.index()].of_strings();
            keys.add(self.lines.function_of(line), self.lines.frame(line).line, made);
        }
        for (&(line, helper), sums) in &self.helpers {
            let (function, at) = (self.lines.function_of(line), self.lines.frame(line).line);
            keys.add_helper(function, at, self.lines.name(helper), sums.cum);
        }
        keys
    }

    /// The functions of the copy that costs most.
    fn inlined_into(&self, sums: &SiteSums) -> Vec<Frame> {
        let copies = sums.copies.iter().map(|(lines, cost)| {
            let frames: Vec<Frame> = lines.iter().map(|&line| self.lines.frame(line)).collect();
            (std::cmp::Reverse(cost.cpu_ns), frames)
        });
        copies.min().map(|(_, frames)| frames).unwrap_or_default()
    }

    fn named(&self, costs: &HashMap<FunctionId, Cost>, limit: usize) -> Vec<FunctionCost> {
        let name = |id: FunctionId| Arc::clone(self.lines.name(id));
        let mut named: Vec<_> =
            costs.iter().map(|(&id, &cost)| FunctionCost { name: name(id), cost }).collect();
        sort_costs(&mut named);
        named.truncate(limit);
        named
    }
}

impl CpuSums {
    /// Says that this is where the program's CPU time went.
    pub(crate) fn tell(self, builder: &mut Builder) {
        for CpuSite { frame, inlined_into, first_callers, generic_callers, cpu } in self.sites {
            let site = builder.line(&frame);
            (site.inlined_into, site.cpu) = (inlined_into, Some(cpu));
            (site.first_callers, site.generic_callers) = (first_callers, generic_callers);
        }
        if let Some(notice) = self.notice {
            builder.notice(Some(self.process.sources.first()), &notice);
        }
        builder.cpu(self.process, self.stacks);
    }

    /// Says it beside samples of another tool, to which these are not added.
    pub(crate) fn tell_aside(self, source: SourceId, builder: &mut Builder) {
        let total = self.process.total;
        for CpuSite { frame, cpu: SiteCpu { map, growth, .. }, .. } in self.sites {
            builder.line(&frame).cpu_aside.push(CpuAside { source, total, map, growth });
        }
        builder.cpu_aside(source, total);
    }
}

impl SiteSums {
    /// Adds a sample of the copy that was inlined into these.
    fn add_copy(&mut self, outer: &[FrameInfo], cost: Cost) {
        let lines: Vec<LineId> = outer.iter().map(|frame| frame.line).collect();
        *self.copies.entry(lines).or_default() += cost;
    }

    /// Adds a sample of a frame in a library or in generic code, with all frames above it.
    fn add_owners(&mut self, own: &FrameInfo, above: &[FrameInfo], cost: Cost) {
        if !own.owner.is_users {
            let mut users = above.iter().filter(|frame| !frame.class.is_runtime());
            if let Some(first) = users.find(|frame| frame.owner.is_users) {
                *self.first_callers.entry(first.line).or_default() += cost;
            }
        }
        if own.owner.is_generic {
            let caller = above.iter().find(|frame| !frame.owner.is_generic);
            let caller = caller.filter(|frame| !frame.class.is_runtime());
            self.generic_callers.insert(caller.map(|frame| frame.line));
        }
    }

    /// Adds a sample below these frames of callers, the nearest first. A line counts once; the site's own function is none.
    fn add_callers(&mut self, own: FunctionId, above: &[FrameInfo], cost: Cost) {
        let users = above.iter().filter(|frame| !frame.class.is_runtime());
        let mut counted = [None; CALLER_STEPS];
        for (at, frame) in users.take(CALLER_STEPS).enumerate() {
            let is_counted = counted.contains(&Some(frame.line));
            counted[at] = Some(frame.line);
            if is_counted || frame.function == own {
                continue;
            }
            let n_above = at as u32 + 1;
            let none = CallerSums { n_above, map: Cost::default() };
            let sums = self.callers.entry(frame.line).or_insert(none);
            sums.n_above = sums.n_above.min(n_above);
            sums.map += cost;
        }
    }
}

impl Places {
    fn grow_to(&mut self, n: usize) {
        self.sums.resize(n, Sums::default());
        self.parts.resize(n, Parts::default());
    }

    fn count(&mut self, at: usize, sample: u32, cost: Cost, below: Below) {
        let sums = &mut self.sums[at];
        if sums.count(sample, cost) && below.is_part() {
            self.parts[at].add(cost, below);
        }
    }
}

impl Sums {
    /// Whether the sample was not counted before.
    fn count(&mut self, sample: u32, cost: Cost) -> bool {
        let is_new = self.last_sample != sample;
        if is_new {
            self.last_sample = sample;
            self.cum += cost;
        }
        is_new
    }
}

impl Parts {
    /// Making strings, and the interface values that they are made of.
    fn of_strings(&self) -> Cost {
        if self.strings == Cost::default() { Cost::default() } else { self.key_conversion }
    }

    #[cold]
    fn add(&mut self, cost: Cost, below: Below) {
        if below.converts_key {
            self.key_conversion += cost;
        }
        if below.makes_string {
            self.strings += cost;
        }
        if below.grows_slice {
            self.slice_growth += cost;
        }
        if below.is_locking {
            self.locking += cost;
        }
    }
}

impl Below {
    /// Whether the frame does something that is summed up apart.
    fn is_part(self) -> bool {
        self.converts_key || self.grows_slice || self.is_locking
    }

    /// Goes to the caller of what was entered before, of this class.
    fn enter(&mut self, class: FrameClass) {
        let is_users = !class.is_runtime();
        let is_conversion = class.is_key_conversion();
        self.is_locking |= class.is_lock();
        self.converts_key = self.is_in_conversion && !is_conversion && is_users;
        self.makes_string = self.converts_key && !self.is_in_boxing;
        self.is_in_conversion = is_conversion;
        self.is_in_boxing = class.is_boxing();
        self.grows_slice = self.is_in_slice_growth && is_users;
        self.is_in_slice_growth = class.is_slice_growth() || self.is_in_slice_growth && !is_users;
    }
}

impl Values {
    /// Finds the value columns. A profile with only `samples` is one of CPU time where its period is.
    pub(crate) fn of(profile: &Profile) -> Result<Self, &'static str> {
        let samples = profile.sample_type_named("samples");
        let unit = |at: usize| Some((at, ns_of(profile.str(profile.sample_types[at].unit))?));
        let cpu = profile
            .sample_type_named("cpu")
            .and_then(unit)
            .filter(|&(at, _)| samples.is_none() || has_values(profile, at));
        let is_cpu = |t: &ValueType| profile.str(t.kind) == "cpu";
        let ns_per_unit =
            profile.period_type.filter(is_cpu).and_then(|t| ns_of(profile.str(t.unit)));
        let period = u64::try_from(profile.period).unwrap_or(0);
        let period = ns_per_unit.map_or(0, |ns| period.saturating_mul(ns));
        if samples.is_none() && cpu.is_none() {
            return Err("its `cpu` values are not times");
        }
        let kind = profile.period_type.map(|of| profile.str(of.kind)).unwrap_or_default();
        if cpu.is_none() && !kind.is_empty() && kind != "cpu" {
            return Err("its samples are taken by something else than CPU time");
        }
        let is_period = (SHORTEST_PERIOD_NS..=LONGEST_PERIOD_NS).contains(&period)
            && cpu.is_none_or(|(at, ns)| are_multiples(profile, at, ns, period));
        let stated = is_period.then_some(period);
        let ns_per_sample = match cpu {
            Some(cpu) if stated.is_none() && samples.is_none() => shared_period(profile, cpu),
            _ => stated,
        };
        Ok(Self { samples, cpu, ns_per_sample })
    }

    /// Whether counts of samples are weights: each stands for less CPU time than the shortest period, and no longer one is
    /// stated that all times are multiples of.
    pub(crate) fn are_weights(&self, profile: &Profile) -> bool {
        let (Some(samples), Some(cpu), None) = (self.samples, self.cpu, self.ns_per_sample) else {
            return false;
        };
        let sum = |at| profile.samples().map(|sample| sample.value(at) as f64).sum::<f64>();
        let (n, ns) = (sum(samples), sum(cpu.0) * cpu.1 as f64);
        n > 0.0 && ns / n < SHORTEST_PERIOD_NS as f64
    }

    /// What costs are measured in.
    pub(crate) fn unit(&self) -> CpuUnit {
        match (self.cpu, self.ns_per_sample) {
            (None, None) => CpuUnit::Samples,
            _ => CpuUnit::Nanoseconds,
        }
    }

    pub(crate) fn cost(&self, sample: &gopprof::Sample<'_>) -> Cost {
        let at = |column: usize| u64::try_from(sample.value(column)).unwrap_or(0);
        let time = |(column, ns): (usize, u64)| at(column).saturating_mul(ns);
        match (self.samples.map(at), self.cpu.map(time)) {
            (Some(samples), Some(cpu_ns)) => Cost { samples, cpu_ns },
            (Some(samples), None) => {
                Cost { samples, cpu_ns: samples.saturating_mul(self.ns_per_sample.unwrap_or(1)) }
            }
            (None, Some(0)) => Cost::default(),
            // Without a period each stack was sampled once at least.
            (None, Some(cpu_ns)) => {
                Cost { samples: self.ns_per_sample.map_or(1, |period| cpu_ns / period), cpu_ns }
            }
            (None, None) => Cost::default(),
        }
    }
}

/// The time that all values are multiples of, where many stacks have just that: it is that of one sample. Exports do not say it.
fn shared_period(profile: &Profile, (column, ns): (usize, u64)) -> Option<u64> {
    let values = || {
        let value = |sample: gopprof::Sample<'_>| u64::try_from(sample.value(column)).unwrap_or(0);
        profile.samples().map(value).filter(|&value| value > 0)
    };
    let divisor = values().fold(0, gcd);
    let period = divisor.saturating_mul(ns);
    let n_single = values().filter(|&value| value == divisor).count();
    let is_period = (SHORTEST_SHARED_NS..=LONGEST_PERIOD_NS).contains(&period);
    (is_period && n_single >= ENOUGH_SINGLE).then_some(period)
}

/// Whether all values of a column are so many periods.
fn are_multiples(profile: &Profile, column: usize, ns: u64, period: u64) -> bool {
    profile.samples().all(|sample| {
        let value = u64::try_from(sample.value(column));
        value.is_ok_and(|value| value.saturating_mul(ns).is_multiple_of(period))
    })
}

/// Whether a column is not all 0.
fn has_values(profile: &Profile, column: usize) -> bool {
    profile.samples().any(|sample| sample.value(column) != 0)
}

/// Nanoseconds of a unit of time.
fn ns_of(unit: &str) -> Option<u64> {
    match unit {
        "nanoseconds" | "ns" => Some(1),
        "microseconds" | "us" => Some(1_000),
        "milliseconds" | "ms" => Some(1_000_000),
        "seconds" | "s" => Some(1_000_000_000),
        _ => None,
    }
}

/// The source files of the runtime's map functions tell the implementation.
/// Source: profiles of Go 1.21 to 1.27; classic maps live in `runtime/map*.go`, Swiss ones in `internal/runtime/maps`.
pub(crate) fn map_impl(profile: &Profile) -> Option<MapImpl> {
    profile.functions.iter().find_map(|function| {
        let name = profile.str(function.name);
        if name.starts_with("internal/runtime/maps.") {
            return Some(MapImpl::Swiss);
        }
        let is_map = name.starts_with("runtime.mapassign") || name.starts_with("runtime.mapaccess");
        let file = profile.str(function.filename);
        match is_map {
            true if file.contains("internal/runtime/maps/") => Some(MapImpl::Swiss),
            true if file.contains("runtime/map") && !file.contains("_swiss") => {
                Some(MapImpl::Classic)
            }
            _ => None,
        }
    })
}

/// "94 samples every 10 ms over 0.95 s".
pub(crate) fn summary(profile: &Profile) -> String {
    let values = Values::of(profile).ok();
    let samples: u64 = values
        .iter()
        .flat_map(|values| profile.samples().map(|s| values.cost(&s).samples))
        .fold(0, u64::saturating_add);
    // Without a period each stack was sampled once at least.
    let counts =
        values.as_ref().is_none_or(|of| of.samples.is_some() || of.ns_per_sample.is_some());
    let what = if counts { "sample" } else { "stack" };
    let mut text = format!("CPU profile, {samples} {}", plural(samples, what));
    if !counts {
        text += ", of how many samples is not known";
    }
    match values {
        Some(values) if values.unit() == CpuUnit::Samples => {
            text += ", without their CPU time";
        }
        Some(Values { ns_per_sample: Some(ns), .. }) => {
            text += &format!(" every {} ms", ns as f64 / 1e6);
        }
        _ => {}
    }
    if profile.duration_nanos > 0 {
        text += &format!(" over {:.2} s", profile.duration_nanos as f64 / 1e9);
    }
    text
}

fn is_gc(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::GcAssist
            | Kind::GcSweepAssist
            | Kind::GcStartStop
            | Kind::GcMark
            | Kind::GcSweep
            | Kind::GcScavenge
    )
}

fn sort_costs(costs: &mut [FunctionCost]) {
    costs.sort_by(|a, b| b.cost.cpu_ns.cmp(&a.cost.cpu_ns).then_with(|| a.name.cmp(&b.name)));
}

fn depth(samples_by_depth: &HashMap<u32, u64>) -> Depth {
    let n = samples_by_depth.values().copied().fold(0, u64::saturating_add);
    let sum = samples_by_depth.iter().map(|(&depth, &n)| f64::from(depth) * n as f64).sum::<f64>();
    let hot = samples_by_depth.iter().max_by_key(|&(&depth, &n)| (n, u32::MAX - depth));
    Depth {
        mean: if n == 0 { 0.0 } else { sum / n as f64 },
        hot: hot.map_or(0, |(&depth, _)| depth),
        max: samples_by_depth.keys().copied().max().unwrap_or(0),
    }
}
