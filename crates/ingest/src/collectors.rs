//! What inputs are summed into, a collector for each kind, and what these say when all inputs have been read.
//!
//! Inputs come in any order, and so does what collectors say. Where one needs what others found, it is given it: samples
//! of `perf` whether there is a CPU profile, the timeline of traces the times of these samples.

use evidence::{Builder, OfSource, SourceId, SourceKind, Stated};
use gobin::Binary;
use gopprof::{Parsed, Profile};

use crate::cpu::CpuCollector;
use crate::error::Error;
use crate::growth::GrowthCollector;
use crate::heap::HeapSums;
use crate::locks::{self, LockSums};
use crate::open::Input;
use crate::perf::{self, PerfSamples};
use crate::program::{ProgramOfProfile, check_is_program_of};
use crate::trace::TraceCollector;
use crate::{Options, add_faults, binary, cpu, growth, heap};

/// All collectors; those without an input are `None`.
#[derive(Debug)]
pub(crate) struct Collectors {
    keep_stacks: bool,
    /// Path of the program's module, if it is known.
    main_module: Option<String>,
    cpu: Option<CpuCollector>,
    heap: Option<HeapSums>,
    growth: Option<GrowthCollector>,
    trace: Option<TraceCollector>,
    perf: Vec<PerfSamples>,
    executable: Option<Executable>,
    /// The programs that profiles and traces say they are of, in the order given.
    programs: Vec<ProgramOfProfile>,
}

#[derive(Debug)]
struct Executable {
    name: String,
    source: SourceId,
    bytes: Vec<u8>,
}

impl Collectors {
    pub(crate) fn new(options: &Options, main_module: Option<&str>) -> Self {
        Self {
            keep_stacks: options.stacks,
            main_module: main_module.map(str::to_owned),
            cpu: None,
            heap: None,
            growth: None,
            trace: None,
            perf: Vec::new(),
            executable: None,
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
            Input::Cpu(parsed) => {
                let summary = cpu::summary(&parsed.value);
                let mut source = self.begin(name, SourceKind::Cpu, &summary, &parsed, builder);
                self.add_cpu(&parsed.value, &mut source)?;
            }
            Input::Heap(parsed) => {
                let summary = heap::summary(&parsed.value);
                let source = self.begin(name, SourceKind::Heap, &summary, &parsed, builder).id();
                if let Some(replaced) = self.heap.replace(HeapSums::of(&parsed.value, source)) {
                    builder.of(replaced.source).notice(&format!(
                        "replaced by {name}: heap profiles count from the start of the program"
                    ));
                }
            }
            Input::Recording(parsed) => {
                let summary = growth::summary(&parsed.value);
                let mut source =
                    self.begin(name, SourceKind::Recording, &summary, &parsed, builder);
                let growth = self.growth.get_or_insert_with(|| GrowthCollector::new(source.id()));
                growth.add(&parsed.value, &mut source);
                // Without a period no CPU samples were asked for, which is not the same as none taken.
                if parsed.value.period > 0 {
                    self.add_cpu(&parsed.value, &mut source)?;
                }
            }
            Input::Contention(parsed) => {
                let side = locks::side_of_profile(&parsed.value);
                let summary = locks::summary(&parsed.value, side);
                let source = self.begin(name, SourceKind::Contention, &summary, &parsed, builder);
                LockSums::of(&parsed.value, side, source.id()).tell(builder);
            }
            Input::Trace(input) => {
                let mut source = builder.source(name, SourceKind::Trace);
                let trace = self.trace.get_or_insert_with(|| TraceCollector::new(source.id()));
                let (locks, program) = trace.add(&input, &mut source)?;
                self.programs.push(program);
                locks.tell(builder);
            }
            Input::Perf(file) => {
                self.perf.push(perf::read(file, &mut builder.source(name, SourceKind::Perf))?);
            }
            Input::Binary(bytes) => {
                let name = name.to_owned();
                if self.executable.is_some() {
                    return Err(Error::SecondBinary { name });
                }
                let source = builder.source(&name, SourceKind::Binary).id();
                self.executable = Some(Executable { name, source, bytes });
            }
            Input::CaptureSummary => {}
            Input::OtherProfile { kind } => {
                builder
                    .notice(None, &format!("{name} is {kind}: no evidence about maps, not used"));
            }
        }
        Ok(())
    }

    /// Adds a profile to the inputs.
    fn begin<'b>(
        &mut self,
        name: &str,
        kind: SourceKind,
        summary: &str,
        parsed: &Parsed<Profile>,
        builder: &'b mut Builder,
    ) -> OfSource<'b> {
        let Parsed { value: profile, faults } = parsed;
        let mut source = builder.source(name, kind);
        source.summary(summary);
        add_faults(&mut source, faults);
        // A heap profile counts from the start of the program.
        if kind != SourceKind::Heap {
            let duration_ns = u64::try_from(profile.duration_nanos).unwrap_or(0);
            source.covers(i128::from(profile.time_nanos), duration_ns);
        }
        let program = ProgramOfProfile::of(profile, name);
        source.states(program.stated());
        self.programs.push(program);
        source
    }

    fn add_cpu(&mut self, profile: &Profile, source: &mut OfSource<'_>) -> Result<(), Error> {
        source.states(Stated { map_impl: cpu::map_impl(profile), ..Stated::default() });
        let id = source.id();
        let new = || CpuCollector::new(id, self.keep_stacks, self.main_module.as_deref());
        let cpu = self.cpu.get_or_insert_with(new);
        cpu.add(profile, id, source.name())
    }

    /// Says what all inputs have, once they have been read.
    ///
    /// # Errors
    /// No input that measured anything; a binary that cannot be read, or is of another program.
    pub(crate) fn tell(mut self, builder: &mut Builder) -> Result<(), Error> {
        let executable = self.executable.take();
        let no_profile =
            || Error::NoProfile { only_binary: executable.as_ref().map(|of| of.name.clone()) };
        if self.programs.is_empty() && self.perf.is_empty() {
            return Err(no_profile());
        }
        let binary = executable.as_ref().map(|of| of.parse(builder)).transpose()?;
        let named =
            executable.as_ref().zip(binary.as_ref()).map(|(of, binary)| (&*of.name, binary));
        let of_perf = perf::attribute(&self.perf, named, &mut self.cpu, self.keep_stacks, builder)?;
        if self.programs.is_empty() && self.cpu.is_none() && !of_perf.has_storage {
            return Err(no_profile());
        }
        self.compare_builds(builder);
        if let (Some(of), Some(binary)) = (&executable, &binary) {
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

impl Executable {
    fn parse(&self, builder: &mut Builder) -> Result<Binary<'_>, Error> {
        let parsed = Binary::parse(&self.bytes)
            .map_err(|source| Error::Binary { name: self.name.clone(), source })?;
        add_faults(&mut builder.of(self.source), &parsed.faults);
        Ok(parsed.value)
    }
}
