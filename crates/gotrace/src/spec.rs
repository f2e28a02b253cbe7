//! The events of each trace version as one table: numbers, names, arguments.
//!
//! What an argument is follows from its name, as in the text form: `stack` and `new_stack` are stacks, names that end in
//! `_string` are strings, `dt` is the time since the event before.
//!
//! Source: `src/internal/trace/tracev2/events.go` (Go 1.27), `src/internal/trace/version/version.go`.

/// A trace format, named for the Go version that introduced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Go 1.22.
    Go122,
    /// Go 1.23 and 1.24.
    Go123,
    /// Go 1.25.
    Go125,
    /// Go 1.26 and 1.27.
    Go126,
}

impl Version {
    /// All, oldest first.
    pub const ALL: [Self; 4] = [Self::Go122, Self::Go123, Self::Go125, Self::Go126];

    /// The minor version in the header.
    pub const fn minor(self) -> u32 {
        match self {
            Self::Go122 => 22,
            Self::Go123 => 23,
            Self::Go125 => 25,
            Self::Go126 => 26,
        }
    }

    /// The version with this minor number.
    pub fn from_minor(minor: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.minor() == minor)
    }
}

/// The type of an event on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ev(pub u8);

/// What else is in an event, beside arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Framing and tables: stands outside of the batches of threads.
    Structure,
    /// Structure that is followed by data with its length.
    Data,
    /// Structure that is followed by frames of four numbers each; their count is the last argument.
    Frames,
    /// An event of a thread; the first argument is `dt`.
    Timed,
    /// A timed event of the experiment that traces allocations.
    AllocFree,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Type.
    pub ev: Ev,
    /// Go's name.
    pub name: &'static str,
    /// The first version that has it.
    pub since: Version,
    /// What else is in it.
    pub form: Form,
    /// Names of the arguments.
    pub args: &'static [&'static str],
}

impl Spec {
    /// Whether the event stands in the batches of threads.
    pub const fn is_timed(&self) -> bool {
        matches!(self.form, Form::Timed | Form::AllocFree)
    }
}

macro_rules! events {
    ($($constant:ident = $number:literal $name:ident $since:ident $form:ident [$($arg:ident)*],)*) => {
        #[allow(missing_docs)] // The table says it: `Spec::name`, `Spec::args`.
        impl Ev {
            $(pub const $constant: Ev = Ev($number);)*
        }

        /// Every event, by number.
        pub const SPECS: &[Spec] = &[$(Spec {
            ev: Ev($number),
            name: stringify!($name),
            since: Version::$since,
            form: Form::$form,
            args: &[$(stringify!($arg)),*],
        }),*];
    };
}

events! {
    EVENT_BATCH = 1 EventBatch Go122 Structure [gen m time size],
    STACKS = 2 Stacks Go122 Structure [],
    STACK = 3 Stack Go122 Frames [id nframes],
    STRINGS = 4 Strings Go122 Structure [],
    STRING = 5 String Go122 Data [id],
    CPU_SAMPLES = 6 CPUSamples Go122 Structure [],
    CPU_SAMPLE = 7 CPUSample Go122 Structure [time m p g stack],
    FREQUENCY = 8 Frequency Go122 Structure [freq],
    PROCS_CHANGE = 9 ProcsChange Go122 Timed [dt procs_value stack],
    PROC_START = 10 ProcStart Go122 Timed [dt p p_seq],
    PROC_STOP = 11 ProcStop Go122 Timed [dt],
    PROC_STEAL = 12 ProcSteal Go122 Timed [dt p p_seq m],
    PROC_STATUS = 13 ProcStatus Go122 Timed [dt p pstatus],
    GO_CREATE = 14 GoCreate Go122 Timed [dt new_g new_stack stack],
    GO_CREATE_SYSCALL = 15 GoCreateSyscall Go122 Timed [dt new_g],
    GO_START = 16 GoStart Go122 Timed [dt g g_seq],
    GO_DESTROY = 17 GoDestroy Go122 Timed [dt],
    GO_DESTROY_SYSCALL = 18 GoDestroySyscall Go122 Timed [dt],
    GO_STOP = 19 GoStop Go122 Timed [dt reason_string stack],
    GO_BLOCK = 20 GoBlock Go122 Timed [dt reason_string stack],
    GO_UNBLOCK = 21 GoUnblock Go122 Timed [dt g g_seq stack],
    GO_SYSCALL_BEGIN = 22 GoSyscallBegin Go122 Timed [dt p_seq stack],
    GO_SYSCALL_END = 23 GoSyscallEnd Go122 Timed [dt],
    GO_SYSCALL_END_BLOCKED = 24 GoSyscallEndBlocked Go122 Timed [dt],
    GO_STATUS = 25 GoStatus Go122 Timed [dt g m gstatus],
    STW_BEGIN = 26 STWBegin Go122 Timed [dt kind_string stack],
    STW_END = 27 STWEnd Go122 Timed [dt],
    GC_ACTIVE = 28 GCActive Go122 Timed [dt gc_seq],
    GC_BEGIN = 29 GCBegin Go122 Timed [dt gc_seq stack],
    GC_END = 30 GCEnd Go122 Timed [dt gc_seq],
    GC_SWEEP_ACTIVE = 31 GCSweepActive Go122 Timed [dt p],
    GC_SWEEP_BEGIN = 32 GCSweepBegin Go122 Timed [dt stack],
    GC_SWEEP_END = 33 GCSweepEnd Go122 Timed [dt swept_value reclaimed_value],
    GC_MARK_ASSIST_ACTIVE = 34 GCMarkAssistActive Go122 Timed [dt g],
    GC_MARK_ASSIST_BEGIN = 35 GCMarkAssistBegin Go122 Timed [dt stack],
    GC_MARK_ASSIST_END = 36 GCMarkAssistEnd Go122 Timed [dt],
    HEAP_ALLOC = 37 HeapAlloc Go122 Timed [dt heapalloc_value],
    HEAP_GOAL = 38 HeapGoal Go122 Timed [dt heapgoal_value],
    GO_LABEL = 39 GoLabel Go122 Timed [dt label_string],
    USER_TASK_BEGIN = 40 UserTaskBegin Go122 Timed [dt task parent_task name_string stack],
    USER_TASK_END = 41 UserTaskEnd Go122 Timed [dt task stack],
    USER_REGION_BEGIN = 42 UserRegionBegin Go122 Timed [dt task name_string stack],
    USER_REGION_END = 43 UserRegionEnd Go122 Timed [dt task name_string stack],
    USER_LOG = 44 UserLog Go122 Timed [dt task key_string value_string stack],
    GO_SWITCH = 45 GoSwitch Go123 Timed [dt g g_seq],
    GO_SWITCH_DESTROY = 46 GoSwitchDestroy Go123 Timed [dt g g_seq],
    GO_CREATE_BLOCKED = 47 GoCreateBlocked Go123 Timed [dt new_g new_stack stack],
    GO_STATUS_STACK = 48 GoStatusStack Go123 Timed [dt g m gstatus stack],
    EXPERIMENTAL_BATCH = 49 ExperimentalBatch Go123 Data [exp gen m time],
    SYNC = 50 Sync Go125 Structure [],
    CLOCK_SNAPSHOT = 51 ClockSnapshot Go125 Structure [dt mono sec nsec],
    END_OF_GENERATION = 52 EndOfGeneration Go126 Structure [],
    SPAN = 128 Span Go123 AllocFree [dt id npages_value kindclass],
    SPAN_ALLOC = 129 SpanAlloc Go123 AllocFree [dt id npages_value kindclass],
    SPAN_FREE = 130 SpanFree Go123 AllocFree [dt id],
    HEAP_OBJECT = 131 HeapObject Go123 AllocFree [dt id type],
    HEAP_OBJECT_ALLOC = 132 HeapObjectAlloc Go123 AllocFree [dt id type],
    HEAP_OBJECT_FREE = 133 HeapObjectFree Go123 AllocFree [dt id],
    GOROUTINE_STACK = 134 GoroutineStack Go123 AllocFree [dt id order],
    GOROUTINE_STACK_ALLOC = 135 GoroutineStackAlloc Go123 AllocFree [dt id order],
    GOROUTINE_STACK_FREE = 136 GoroutineStackFree Go123 AllocFree [dt id],
}

/// Position in [`SPECS`] by number; `u8::MAX` where there is none.
const POSITIONS: [u8; 256] = {
    let mut positions = [u8::MAX; 256];
    let mut i = 0;
    while i < SPECS.len() {
        positions[SPECS[i].ev.0 as usize] = i as u8;
        i += 1;
    }
    positions
};

/// Most arguments that a timed event has after `dt`.
pub const MAX_TIMED_ARGS: usize = 4;

/// Stands for "no timed event of this version" in [`timed_args`].
pub(crate) const NOT_TIMED: u8 = u8::MAX;

/// For each number, how many arguments follow `dt`, or [`NOT_TIMED`].
const fn timed_args_of(version: Version) -> [u8; 256] {
    let mut counts = [NOT_TIMED; 256];
    let mut i = 0;
    while i < SPECS.len() {
        let spec = &SPECS[i];
        if spec.is_timed() && spec.since as u8 <= version as u8 {
            counts[spec.ev.0 as usize] = spec.args.len() as u8 - 1;
            assert!(spec.args.len() <= MAX_TIMED_ARGS + 1);
        }
        i += 1;
    }
    counts
}

static TIMED_ARGS: [[u8; 256]; 4] = [
    timed_args_of(Version::Go122),
    timed_args_of(Version::Go123),
    timed_args_of(Version::Go125),
    timed_args_of(Version::Go126),
];

/// For each number, how many arguments follow `dt` in this version, or [`NOT_TIMED`].
pub(crate) fn timed_args(version: Version) -> &'static [u8; 256] {
    &TIMED_ARGS[version as usize]
}

impl Ev {
    /// The row of an event of any version.
    pub fn spec(self) -> Option<&'static Spec> {
        SPECS.get(usize::from(POSITIONS[usize::from(self.0)]))
    }
}

/// Largest batch. Units: bytes of data. Source: `tracev2.MaxBatchSize`.
pub const MAX_BATCH_BYTES: u64 = 64 << 10;

/// Deepest stack. Source: `tracev2.MaxFramesPerStack`.
pub const MAX_FRAMES: u64 = 128;

/// Longest string. Units: bytes. Source: `tracev2.MaxEventTrailerDataSize`.
pub(crate) const MAX_STRING_BYTES: u64 = 1 << 10;
