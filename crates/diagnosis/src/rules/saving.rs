//! What following an advice would save of the CPU: a best estimate, with a range around it.
//!
//! 1. An advice takes away a part of each kind of work that was measured at its line: at least, most likely and at most so
//!    much of it. The parts are those that the rewritten programs of `bench/predictions` lost, and reasons.
//! 2. The collector works as often as memory is used up: a line that allocates a tenth of all bytes causes a tenth of its
//!    work. What it allocates says the heap profile, or else the time that it spends in the allocator.
//! 3. Two standard errors of the sampled share widen the range on both sides.
//!
//! Advice of which nothing says how much work it takes away gets no estimate.

use goabi::MapOp;
use gomap::{Category, MapWork};

use super::{ENOUGH_SAMPLES, SiteContext};
use crate::finding::{
    Advice, Basis, Cause, CpuPart, Finding, Gain, GrowthSaving, Saving, Visits, Within,
};
use evidence::{Block, Cost, ProcessCpu, ProcessHeap, SiteCpu, SiteHeap};

/// Which part of some work goes away: at least, most likely, at most. Below 0 it becomes more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone(pub(super) f64, pub(super) f64, pub(super) f64);

impl Gone {
    const NOTHING: Self = Self(0.0, 0.0, 0.0);

    /// So many times as much.
    pub(super) fn times(self, by: f64) -> Self {
        let (one, other) = (self.0 * by, self.2 * by);
        Self(one.min(other), self.1 * by, one.max(other))
    }

    /// This part of that part.
    fn of(self, part: Self) -> Self {
        let ends = [self.0 * part.0, self.0 * part.2, self.2 * part.0, self.2 * part.2];
        let [least, most] =
            [f64::min, f64::max].map(|of| ends.into_iter().fold(self.1 * part.1, of));
        Self(least, self.1 * part.1, most)
    }
}

/// Adds up what goes away.
pub(super) struct Sum<'e> {
    process: &'e ProcessCpu,
    own: CpuPart,
    collector: CpuPart,
}

impl<'e> Sum<'e> {
    pub(super) fn of(process: &'e ProcessCpu) -> Self {
        Self { process, own: CpuPart::default(), collector: CpuPart::default() }
    }

    /// Work of the line.
    pub(super) fn work(mut self, cost: Cost, gone: Gone) -> Self {
        self.own = self.own.plus(CpuPart::of(cost.share_of(self.process.total), gone));
        self
    }

    /// Work of the collector, of which the line causes such a part.
    pub(super) fn collector(mut self, caused: Gone, gone: Gone) -> Self {
        let share = self.process.gc.share_of(self.process.total);
        self.collector = self.collector.plus(CpuPart::of(share, gone.of(caused)));
        self
    }

    pub(super) fn saving(self, basis: Basis, growth: Option<GrowthSaving>) -> Saving {
        let all = self.own.plus(self.collector);
        let error = all.best.abs().min(1.0);
        let error = 2.0 * (error * (1.0 - error) / self.process.total.samples.max(1) as f64).sqrt();
        let cpu = CpuPart {
            // What cannot become more work does not because of sampling.
            low: (all.low - error).max(all.low.min(0.0)),
            best: all.best,
            high: all.high + error,
        };
        let collector = self.collector.in_order();
        Saving { cpu: cpu.in_order(), collector, basis, growth }
    }
}

impl CpuPart {
    fn of(share: f64, gone: Gone) -> Self {
        Self { low: share * gone.0, best: share * gone.1, high: share * gone.2 }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            best: self.best + other.best,
            high: self.high + other.high,
        }
    }

    fn in_order(self) -> Self {
        let high = self.high.min(1.0);
        let best = self.best.min(high);
        Self { low: self.low.min(best), best, high }
    }
}

/// The finding with what its advice saves, where that can be said and the rule has not.
pub(super) fn with_saving(context: &SiteContext<'_>, mut finding: Finding) -> Finding {
    if finding.saving.is_none() && finding.asks_for_change() {
        finding.saving = of(context, &finding);
    }
    finding
}

fn of(context: &SiteContext<'_>, finding: &Finding) -> Option<Saving> {
    let (cpu, process) = context.cpu()?;
    let sum = Sum::of(process);
    let (sum, basis) = match &finding.advice {
        Advice::ClearAndReuse { .. } => (kept_map(context, cpu, sum), Basis::KeptMap),
        Advice::LowerHint { .. } => {
            let making = cpu.by_op.get(MapOp::Make);
            let caused = caused(context, Block::is_array, making);
            let sum = sum.work(making, Gone(0.4, 0.9, 1.0)).collector(caused, Gone(0.3, 0.9, 1.0));
            (sum, Basis::SmallerHint)
        }
        Advice::ConcreteKey { .. } => (concrete_key(context, cpu, sum), Basis::ConcreteKey),
        Advice::HashFewerBytes { .. } => {
            let hashing = sum.work(finding.cost?, Gone(0.5, 0.9, 1.0));
            let comparing = hashing.work(cpu.by_work.get(MapWork::Compare), Gone(0.3, 0.95, 1.0));
            (comparing.work(cpu.by_work.get(MapWork::Load), Gone(0.1, 0.5, 0.9)), Basis::FewerBytes)
        }
        Advice::BuildKeysOnce => (keys_once(cpu, finding.cost?, sum), Basis::KeysOnce),
        Advice::PresizeSlices { .. } => {
            let within = match finding.cause {
                Cause::SlicesGrow { within } => within,
                _ => Within::Line,
            };
            (slices(context, finding.cost?, within, sum), Basis::SliceCapacity)
        }
        Advice::IterateLess { visits, .. } => {
            (fewer_loops(cpu, finding.cost?, *visits, sum), Basis::NoLoop)
        }
        Advice::ClearLess { .. } => {
            (sum.work(finding.cost?, Gone(0.7, 0.95, 1.0)), Basis::LittleRoom)
        }
        Advice::ReuseGoroutines => {
            (sum.work(finding.cost?, Gone(0.4, 0.9, 1.0)), Basis::LiveGoroutines)
        }
        Advice::MoveToGo { gain: Gain::OverwritesDoNotGrow, .. } => {
            (no_growth(context, cpu, sum), Basis::NoGrowthOnOverwrite)
        }
        Advice::FinishGrowth { .. } => {
            (sum.work(finding.cost?, Gone(0.4, 0.9, 1.0)), Basis::GrowthFinished)
        }
        _ => return None,
    };
    Some(sum.saving(basis, None))
}

/// Most of the iterating goes; an index takes the loop itself as well, and over a slice its code is shorter.
fn fewer_loops<'e>(cpu: &SiteCpu, iterating: Cost, visits: Visits, sum: Sum<'e>) -> Sum<'e> {
    let gone = match visits {
        Visits::Few => Gone(0.7, 0.95, 1.0),
        Visits::NotKnown => Gone(0.5, 0.95, 1.0),
    };
    let around = cpu.function.without(cpu.line);
    sum.work(iterating, gone)
        .work(cpu.line.without(cpu.map), Gone(0.2, 0.7, 1.0))
        .work(around, Gone(0.0, 0.3, 0.9))
}

/// A map that is cleared has its arrays already; clearing them costs a little of what zeroing new ones did.
fn kept_map<'e>(context: &SiteContext<'_>, cpu: &SiteCpu, sum: Sum<'e>) -> Sum<'e> {
    let memory = memory(cpu);
    let moving = cpu.growth.without(cpu.growth_gc).without(cpu.split.get(Category::GrowthMemory));
    let caused = caused(context, Block::is_array, memory);
    sum.work(memory, Gone(0.7, 1.0, 1.2))
        .work(moving, Gone(0.8, 1.05, 1.3))
        .collector(caused, Gone(0.6, 0.95, 1.0))
}

/// Hashing goes on without the detour over the type, as does comparing; values are no longer made into interfaces.
fn concrete_key<'e>(context: &SiteContext<'_>, cpu: &SiteCpu, sum: Sum<'e>) -> Sum<'e> {
    let hashing = cpu.by_work.get(MapWork::Hash);
    let caused = caused(context, |_| true, cpu.key_conversion);
    let growing = cpu.growth.without(cpu.growth_gc);
    sum.work(hashing, Gone(0.4, 0.75, 1.0))
        .work(cpu.by_work.get(MapWork::Compare), Gone(0.4, 0.8, 1.0))
        .work(cpu.by_work.get(MapWork::Load), Gone(0.1, 0.4, 0.8))
        .work(growing, Gone(0.0, 0.3, 0.6))
        .work(cpu.key_conversion, Gone(0.6, 0.95, 1.0))
        .collector(caused, Gone(0.2, 0.6, 1.0))
}

/// Making keys goes, with the garbage of it; a key of several parts takes longer to hash than a string.
fn keys_once<'e>(cpu: &SiteCpu, made: Cost, sum: Sum<'e>) -> Sum<'e> {
    let process = sum.process;
    // Strings that are built allocate about as much for their time as the rest of the program, or more.
    let share = made.share_of(process.total.without(process.gc));
    let caused = Gone(0.0, share, (2.0 * share).min(1.0));
    sum.work(made, Gone(0.7, 1.0, 1.0))
        .work(cpu.by_work.get(MapWork::Hash), Gone(-0.6, -0.1, 0.4))
        .work(cpu.by_work.get(MapWork::Load), Gone(-0.2, 0.1, 0.5))
        .work(cpu.by_work.get(MapWork::Compare), Gone(-0.2, 0.2, 0.7))
        .collector(caused, Gone(0.5, 1.0, 1.0))
}

/// The last array is needed anyhow: of doubling arrays it is half. Where the number of values has to be counted first, that
/// looks up every key once more.
fn slices<'e>(context: &SiteContext<'_>, growing: Cost, within: Within, sum: Sum<'e>) -> Sum<'e> {
    let caused = match within {
        Within::Line => caused(context, |block| !block.is_array(), growing),
        Within::Function => by_allocator(sum.process, growing),
    };
    let looking_up = context.site.cpu.as_ref().map_or(Cost::default(), |cpu| cpu.map);
    sum.work(growing, Gone(0.3, 0.7, 1.1))
        .work(looking_up, Gone(-1.0, -0.2, 0.0))
        .collector(caused, Gone(0.2, 0.5, 1.0))
}

/// Where the maps hold as many entries as it takes, all growth goes.
fn no_growth<'e>(context: &SiteContext<'_>, cpu: &SiteCpu, sum: Sum<'e>) -> Sum<'e> {
    let growing = cpu.growth.without(cpu.growth_gc);
    let grown = |block: &Block| block.map_capacity.is_some_and(|room| room > super::FIRST_GROUP);
    let caused = caused(context, grown, cpu.split.get(Category::GrowthMemory));
    sum.work(growing, Gone(0.0, 0.9, 1.0)).collector(caused, Gone(0.0, 0.9, 1.0))
}

/// Making maps and arrays, without what it does for the collector.
pub(super) fn memory(cpu: &SiteCpu) -> Cost {
    let mut memory = cpu.split.get(Category::Create);
    memory += cpu.split.get(Category::GrowthMemory);
    memory
}

/// The part of all bytes allocated that is in such blocks of this line, and with it the part of the collector's work that
/// the line causes; by the time spent in the allocator for it where no heap profile shows them.
pub(super) fn caused(
    context: &SiteContext<'_>,
    is_of_it: impl Fn(&Block) -> bool,
    allocating: Cost,
) -> Gone {
    let by_bytes =
        || by_bytes(context.evidence.heap.as_ref()?, context.site.heap.as_ref()?, is_of_it);
    let by_time = || Some(by_allocator(context.evidence.cpu.as_ref()?, allocating));
    by_bytes().or_else(by_time).unwrap_or(Gone::NOTHING)
}

/// `None` where the profile shows no such block: a line may allocate less than is sampled.
fn by_bytes(
    process: &ProcessHeap,
    here: &SiteHeap,
    is_of_it: impl Fn(&Block) -> bool,
) -> Option<Gone> {
    let (mut bytes, mut seen) = (0_u64, 0.0);
    let bytes_per_sample = process.bytes_per_sample?;
    for block in here.blocks.iter().filter(|block| is_of_it(block)) {
        bytes = bytes.saturating_add(block.alloc.alloc_bytes?);
        seen += block.samples(bytes_per_sample);
    }
    let share = (bytes as f64 / process.total.alloc_bytes?.max(1) as f64).min(1.0);
    let error = 2.0 / f64::max(seen, 1.0).sqrt();
    let (least, most) = (share * (1.0 - error).max(0.0), (share * (1.0 + error)).min(1.0));
    (bytes > 0).then_some(Gone(least, share, most))
}

/// By the part of the time in the allocator: large blocks take longer, so that it is off by up to a factor of 2.
fn by_allocator(process: &ProcessCpu, allocating: Cost) -> Gone {
    if process.allocation.samples < ENOUGH_SAMPLES {
        return Gone::NOTHING;
    }
    let share = allocating.share_of(process.allocation).min(1.0);
    Gone(share / 2.0, share, (2.0 * share).min(1.0))
}
