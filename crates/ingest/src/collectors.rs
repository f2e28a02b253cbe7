//! What inputs are summed into, a collector for each kind, and what these say when all inputs have been read.
//!
//! Inputs come in any order, and so does what collectors say. Where one needs what others found, it is given it: samples
//! of `perf` whether there is a CPU profile, the timeline of traces the times of these samples.

use std::borrow::Cow;

use evidence::{Builder, CpuUnit, OfSource, SourceId, SourceKind, Stated};
use goabi::MapImpl;
use gobin::Binary;
use gopprof::{Parsed, Profile};

use crate::converted::of_one_program;
use crate::cpu::{CpuCollector, Values};
use crate::error::Error;
use crate::growth::GrowthCollector;
use crate::heap::HeapSums;
use crate::judge::{DIFFERENCE, Judged, Unseen, has_runtime, is_difference, judge};
use crate::locks::{self, LockSums};
use crate::nameless::forget_placeholders;
use crate::open::Input;
use crate::perf::{self, PerfSamples};
use crate::program::{ProgramOfProfile, check_has_maps_of, check_is_program_of};
use crate::trace::TraceCollector;
use crate::{Options, add_faults, binary, cpu, growth, heap, names};

/// Said of a CPU profile of which it is not known whether that was so.
const WITHOUT_RUNTIME: &str = "no function of Go's runtime is in it: where they were filtered out (-hide, -show), what maps cost is \
                               not in it";

/// Said of one with nothing in it, which is what Go writes unless it is told to take samples.
const WITHOUT_WAITS: &str = "without a wait: nobody waited, or runtime.SetMutexProfileFraction (SetBlockProfileRate) was not \
                             called";

/// All collectors; those without an input are `None`.
#[derive(Debug)]
pub(crate) struct Collectors<'b> {
    keep_stacks: bool,
    known: &'b Known<'b>,
    cpu: Option<CpuCollector>,
    heap: Option<HeapSums>,
    growth: Option<GrowthCollector>,
    trace: Option<TraceCollector>,
    perf: Vec<PerfSamples>,
    executable: Option<Executable<'b>>,
    /// What tells profiles apart, with their names.
    taken: Vec<(Taken, String)>,
    /// How maps are implemented, by the first profile that shows it, whose name is that.
    map_impl: Option<(MapImpl, String)>,
    /// Inputs that say nothing of maps: what each is.
    unused: Vec<String>,
    /// The programs that profiles and traces say they are of, in the order given.
    programs: Vec<ProgramOfProfile>,
}

#[derive(Debug)]
struct Executable<'b> {
    name: String,
    source: SourceId,
    bytes: Cow<'b, [u8]>,
}

/// When a profile was taken, how long, and how much is in it.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    kind: SourceKind,
    time_nanos: i64,
    duration_nanos: i64,
    /// Of the last values of samples, which other forms keep.
    total: i64,
}

impl Taken {
    fn of(kind: SourceKind, profile: &Profile) -> Self {
        let &Profile { time_nanos, duration_nanos, .. } = profile;
        let last = profile.sample_types.len().saturating_sub(1);
        let values = profile.samples().map(|sample| sample.value(last));
        let total = values.fold(0, i64::saturating_add);
        Self { kind, time_nanos, duration_nanos, total }
    }
}

/// What is known of the program before its profiles are read.
#[derive(Debug, Default)]
pub(crate) struct Known<'b> {
    /// The executable, with its name.
    binary: Option<(&'b str, Binary<'b>)>,
    /// Path of its module.
    main_module: Option<String>,
}

impl<'b> Known<'b> {
    /// Of an executable; one that cannot be read is refused when it has its turn.
    pub(crate) fn of(executable: Option<(&'b str, &'b [u8])>) -> Self {
        let parse = |(name, bytes)| Some((name, Binary::parse(bytes).ok()?.value));
        let binary = executable.and_then(parse);
        let build_info = binary.as_ref().and_then(|(_, binary)| binary.build_info());
        let main_module = build_info.and_then(binary::main_module).map(str::to_owned);
        Self { binary, main_module }
    }
}

impl<'b> Collectors<'b> {
    pub(crate) fn new(options: &Options, known: &'b Known<'b>) -> Self {
        Self {
            keep_stacks: options.stacks,
            known,
            cpu: None,
            heap: None,
            growth: None,
            trace: None,
            perf: Vec::new(),
            executable: None,
            map_impl: None,
            taken: Vec::new(),
            unused: Vec::new(),
            programs: Vec::new(),
        }
    }

    pub(crate) fn add(
        &mut self,
        input: Input,
        name: &str,
        builder: &mut Builder,
    ) -> Result<(), Error> {
        match input {
            Input::Cpu(mut parsed) => {
                let source = self.begin(name, SourceKind::Cpu, cpu::summary, &mut parsed, builder);
                let Some(mut source) = source else { return Ok(()) };
                self.add_cpu(&parsed.value, &mut source)?;
                if !has_runtime(&parsed.value) {
                    source.notice(WITHOUT_RUNTIME);
                    self.cpu.iter_mut().for_each(CpuCollector::add_all_unnamed);
                }
            }
            Input::Heap(mut parsed) => {
                let source =
                    self.begin(name, SourceKind::Heap, heap::summary, &mut parsed, builder);
                let Some(source) = source.map(|source| source.id()) else { return Ok(()) };
                if let Some(replaced) = self.heap.replace(HeapSums::of(&parsed.value, source)) {
                    builder.of(replaced.source).notice(&format!(
                        "replaced by {name}: heap profiles count from the start of the program"
                    ));
                }
            }
            Input::Recording(mut parsed) => {
                let source =
                    self.begin(name, SourceKind::Recording, growth::summary, &mut parsed, builder);
                let Some(mut source) = source else { return Ok(()) };
                let growth = self.growth.get_or_insert_with(|| GrowthCollector::new(source.id()));
                growth.add(&parsed.value, &mut source);
                // Without a period no CPU samples were asked for, which is not the same as none taken.
                if parsed.value.period > 0 {
                    self.add_cpu(&parsed.value, &mut source)?;
                }
            }
            Input::Contention(mut parsed) => {
                let source =
                    self.begin(name, SourceKind::Contention, locks::summary, &mut parsed, builder);
                let Some(mut source) = source else { return Ok(()) };
                if parsed.value.n_samples() == 0 {
                    source.notice(WITHOUT_WAITS);
                }
                let source = source.id();
                let side = locks::side_of_profile(&parsed.value);
                LockSums::of(&parsed.value, side, source).tell(builder);
            }
            Input::Trace(input) => {
                let mut source = builder.source(name, SourceKind::Trace);
                let trace = self.trace.get_or_insert_with(|| TraceCollector::new(source.id()));
                if let Some((locks, program)) = trace.add(&input, &mut source)? {
                    self.programs.push(program);
                    locks.tell(builder);
                }
            }
            Input::Perf(file) => {
                let samples = perf::read(file, &mut builder.source(name, SourceKind::Perf))?;
                match self.perf.iter().find(|known| known.is_same(&samples)) {
                    Some(known) => {
                        let text = format!("it is the same as {}, and not used", known.name());
                        builder.notice(Some(samples.source()), &text);
                    }
                    None => self.perf.push(samples),
                }
            }
            Input::Binary(bytes) => self.add_executable(name, Cow::Owned(bytes), builder)?,
            Input::Converted(profiles, losses) => {
                if profiles.is_empty() {
                    self.leave_out(name, "a file of OpenTelemetry's without profiles", builder);
                }
                let executable = self.known.binary.as_ref().map(|(name, binary)| (*name, binary));
                let said = |losses: &[String], builder: &mut Builder| {
                    losses.iter().for_each(|loss| builder.notice(None, &format!("{name}: {loss}")));
                };
                said(&losses, builder);
                for of in of_one_program(profiles, executable, name)? {
                    let n_before = self.programs.len();
                    let of_it = of.losses.clone();
                    self.add(of.into_input(), name, builder)?;
                    if self.programs.len() > n_before {
                        said(&of_it, builder);
                    }
                }
            }
            Input::CaptureSummary => {}
            Input::OtherProfile { kind } => self.leave_out(name, &kind, builder),
        }
        Ok(())
    }

    pub(crate) fn add_executable(
        &mut self,
        name: &str,
        bytes: Cow<'b, [u8]>,
        builder: &mut Builder,
    ) -> Result<(), Error> {
        let name = name.to_owned();
        if self.executable.is_some() {
            return Err(Error::SecondBinary { name });
        }
        let source = builder.source(&name, SourceKind::Binary).id();
        self.executable = Some(Executable { name, source, bytes });
        Ok(())
    }

    /// Goes on without an input that says nothing of maps.
    fn leave_out(&mut self, name: &str, what: &str, builder: &mut Builder) {
        let text = format!("{name} is {what}");
        builder.notice(None, &format!("{text}: no evidence about maps, not used"));
        self.unused.push(text);
    }

    /// Adds a profile to the inputs, with names from the executable for what has none; `None` where it cannot be judged.
    fn begin<'o>(
        &mut self,
        name: &str,
        kind: SourceKind,
        summary: impl FnOnce(&Profile) -> String,
        parsed: &mut Parsed<Profile>,
        builder: &'o mut Builder,
    ) -> Option<OfSource<'o>> {
        let Parsed { value: profile, faults } = parsed;
        let binary = self.known.binary.as_ref().map(|(_, binary)| binary);
        forget_placeholders(profile);
        if let Some(binary) = binary.filter(|_| names::are_missing(profile)) {
            names::fill(profile, binary);
        }
        let judged = match kind {
            SourceKind::Recording if is_difference(profile) => {
                Judged::No { what: DIFFERENCE.to_owned() }
            }
            // It is of Go, whatever stands in it.
            SourceKind::Recording => Judged::Yes(Unseen::default()),
            _ => judge(profile, binary.is_some()),
        };
        let program = ProgramOfProfile::of(profile, name);
        // With an executable, that of the profiles has to be this.
        let other = binary.is_none().then(|| self.other_program(&program, profile)).flatten();
        let apart = other
            .or_else(|| self.other_unit(kind, profile))
            .or_else(|| self.same_one(kind, profile));
        if let Some(why) = apart {
            builder.notice(None, &format!("{name} is not used: {why}"));
            return None;
        }
        let unseen = match judged {
            Judged::Yes(unseen) => unseen,
            Judged::No { what } => {
                self.leave_out(name, &what, builder);
                return None;
            }
        };
        let mut source = builder.source(name, kind);
        source.summary(&summary(profile));
        unseen.tell(&mut source);
        add_faults(&mut source, faults);
        // A heap profile counts from the start of the program.
        if kind != SourceKind::Heap {
            let duration_ns = u64::try_from(profile.duration_nanos).unwrap_or(0);
            source.covers(i128::from(profile.time_nanos), duration_ns);
        }
        source.states(program.stated());
        self.taken.push((Taken::of(kind, profile), name.to_owned()));
        self.programs.push(program);
        Some(source)
    }

    /// Of which other program, or build of Go, a profile is than those before it; `None` where it is not.
    fn other_program(&self, program: &ProgramOfProfile, profile: &Profile) -> Option<String> {
        let other = self.programs.iter().find(|other| other.is_other_than(program));
        if let Some(other) = other {
            return Some(format!(
                "it is of another program than {}; diagnose it alone",
                other.profile
            ));
        }
        let (known, name) = self.map_impl.as_ref()?;
        let is_other = cpu::map_impl(profile).is_some_and(|of| of != *known);
        is_other.then(|| format!("its Go has other maps than that of {name}; diagnose it alone"))
    }

    /// Which profile one is once more: taken at the same moment, as long, with as much in it.
    fn same_one(&self, kind: SourceKind, profile: &Profile) -> Option<String> {
        // Of heap profiles the last one counts, whatever is in it.
        if kind == SourceKind::Heap || profile.time_nanos == 0 || profile.n_samples() == 0 {
            return None;
        }
        let taken = Taken::of(kind, profile);
        let (_, name) = self.taken.iter().find(|(of, _)| *of == taken)?;
        Some(format!("it is the same as {name}"))
    }

    /// Why times and counts are not added up; `None` where a profile has what those before it have.
    fn other_unit(&self, kind: SourceKind, profile: &Profile) -> Option<String> {
        let known = self.cpu.as_ref()?.unit()?;
        let unit = Values::of(profile).ok()?.unit();
        (kind == SourceKind::Cpu && unit != known).then(|| match unit {
            CpuUnit::Samples => "it counts samples without their CPU time".to_owned(),
            CpuUnit::Nanoseconds => {
                "those before it count samples without their CPU time".to_owned()
            }
        })
    }

    fn add_cpu(&mut self, profile: &Profile, source: &mut OfSource<'_>) -> Result<(), Error> {
        let map_impl = cpu::map_impl(profile);
        source.states(Stated { map_impl, ..Stated::default() });
        if self.map_impl.is_none() {
            self.map_impl = map_impl.map(|of| (of, source.name().to_owned()));
        }
        let id = source.id();
        let new = || CpuCollector::new(id, self.keep_stacks, self.known.main_module.as_deref());
        let cpu = self.cpu.get_or_insert_with(new);
        cpu.add(profile, source)
    }

    /// Says what all inputs have, once they have been read.
    ///
    /// # Errors
    /// No input that measured anything; a binary that cannot be read, or is of another program.
    pub(crate) fn tell(mut self, builder: &mut Builder) -> Result<(), Error> {
        let executable = self.executable.take();
        let no_profile = |unused| Error::NoProfile {
            only_binary: executable.as_ref().map(|of| of.name.clone()),
            unused,
        };
        if self.programs.is_empty() && self.perf.is_empty() {
            return Err(no_profile(self.unused));
        }
        let binary = executable.as_ref().map(|of| of.parse(builder)).transpose()?;
        let named =
            executable.as_ref().zip(binary.as_ref()).map(|(of, binary)| (&*of.name, binary));
        let of_perf = perf::attribute(&self.perf, named, &mut self.cpu, self.keep_stacks, builder)?;
        if self.programs.is_empty() && self.cpu.is_none() && !of_perf.has_storage {
            return Err(no_profile(self.unused));
        }
        self.compare_builds(builder);
        if let (Some(of), Some(binary)) = (&executable, &binary) {
            let map_impl = self.map_impl.as_ref().map(|(of, name)| (*of, &**name));
            check_has_maps_of(binary, &of.name, map_impl)?;
            check_is_program_of(binary, &of.name, &self.programs)?;
            let mut source = builder.of(of.source);
            source.summary(&binary::summary(binary));
            source.states(binary::stated(binary));
            if let Some(code) = binary::code_maps(binary, &mut source) {
                builder.code(code);
            }
        }
        if let Some(cpu) = self.cpu {
            cpu.finish().tell(builder);
        }
        if let Some(heap) = self.heap {
            heap.tell(builder);
        }
        if let Some(growth) = self.growth {
            growth.tell(builder);
        }
        if let Some(trace) = self.trace {
            trace.tell(&of_perf.map_times, builder);
        }
        Ok(())
    }

    /// Says when profiles are of several builds.
    fn compare_builds(&self, builder: &mut Builder) {
        // Traces do not say of which build they are, nor do profiles before Go 1.24.
        let mut known = self.programs.iter().filter(|program| program.build_id.is_some());
        let Some(first) = known.next() else { return };
        for other in known.filter(|other| other.build_id != first.build_id) {
            let (other, first) = (&other.profile, &first.profile);
            builder.notice(
                None,
                &format!(
                    "{other} is of another build than {first}; they were added up all the same"
                ),
            );
        }
    }
}

impl Executable<'_> {
    fn parse(&self, builder: &mut Builder) -> Result<Binary<'_>, Error> {
        let parsed = Binary::parse(&self.bytes)
            .map_err(|source| Error::Binary { name: self.name.clone(), source })?;
        add_faults(&mut builder.of(self.source), &parsed.faults);
        Ok(parsed.value)
    }
}
