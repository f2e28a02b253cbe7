/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the kernel side and the user side exchange. This is the only place that says so: build.rs makes Rust types of
 * the structs and constants below. One field per line, fixed-size integers only, padding spelled out.
 */

/* Frames kept of a stack, the probed function included. */
#define MAX_FRAMES 128

/* What a probe stands for: point.kind. */
#define POINT_CLASSIC_GROW 0 /* runtime.hashGrow(t, h) */
#define POINT_SWISS_REHASH 1 /* maps.(*table).rehash(t, typ, m) */
#define POINT_SWISS_TO_TABLE 2 /* maps.(*Map).growToTable(m, typ) */
#define POINT_CLASSIC_INLINED 3 /* a call in an inlined copy of hashGrow; map and type are in the frame */
#define POINT_SWISS_TO_TABLE_INLINED 4 /* a call in an inlined copy of growToTable; map and type are in the frame */
#define POINT_MAKE 5 /* makemap, NewMap: (typ, hint) */
#define POINT_GC_CYCLE 6 /* runtime.gcMarkTermination */
#define POINT_GC_ASSIST 7 /* runtime.gcAssistAlloc */
#define POINT_START 8 /* runtime.schedinit */
#define POINT_SWISS_SPLIT 9 /* maps.(*table).split(t, typ, m): called by rehash, in place all the time */
#define POINT_PACE 10 /* just before a growth probe, to measure what getting from one to the next takes */
#define POINT_CLASSIC_LARGE 11 /* in makeBucketArray(t, b), where large arrays come by: in place all the time */

/* point.flags */
#define POINT_ON_BRANCH 1 /* on the branch of the stack check: taken means that the function starts over */
#define POINT_IN_BODY 2 /* inside a function, whose frame is complete */

/* grow_key.kind */
#define GROW_DOUBLE 0 /* classic: twice the buckets */
#define GROW_SAME_SIZE 1 /* classic: as many buckets, fewer overflow buckets */
#define GROW_TABLE 2 /* Swiss: a table of twice the capacity */
#define GROW_SPLIT 3 /* Swiss: two tables in place of one */
#define GROW_TO_TABLE 4 /* Swiss: from the first group to a table */
#define MAKE_HINTED 5 /* a map made with a size hint */

/* grow_key.precision: how the event was counted. 0 and below 32: every event, one stack in 2^n. */
#define PRECISION_WINDOW 255 /* in a window of time */

/* Indices of the per-CPU counters. */
#define COUNT_WALKED 0 /* events with a stack */
#define COUNT_STACKLESS 1 /* events without */
#define COUNT_FRAMES 2 /* frames walked */
#define COUNT_IGNORED 3 /* hits while held or paused, and branches taken */
#define COUNT_READ_FAULTS 4 /* events lost because the map could not be read */
#define COUNT_TABLE_FULL 5 /* events lost because the table of counts was full */
#define COUNT_STACKS_LOST 6 /* events and CPU samples without their stack: its table was full, or all room to put one together taken */
#define COUNT_STACKS_CUT 7 /* stacks deeper than MAX_FRAMES, or than was asked for */
#define COUNT_SAMPLES 8 /* CPU samples */
#define COUNT_SAMPLES_LOST 9 /* CPU samples lost because a table was full */
#define COUNT_GC_CYCLES 10
#define COUNT_GC_ASSISTS 11
#define COUNT_CHECKS 12 /* hits of GC and start probes */
#define COUNT_EVENT_NS 13 /* time in the program of the probes, for events */
#define COUNT_MAKES 14 /* events that are maps made, not growths */
#define COUNT_NEW_GROWS 15 /* entries made in the tables: what is not yet drained fills them */
#define COUNT_NEW_STACKS 16
#define COUNT_NEW_SAMPLES 17
#define COUNT_NEW_PROCESSES 18
#define COUNT_PACE_NS 19 /* from the end of a POINT_PACE to the probe after it */
#define COUNT_PACES 20
#define COUNT_PASSED 21 /* hits of POINT_CLASSIC_LARGE that are no growths */
#define COUNT_EXECS 22 /* recorded processes that executed a program, be it the same again */
#define COUNT_RESTARTS 23 /* those that run the recorded program again */
#define COUNT_NOT_OURS 24 /* hits of processes that are not to be recorded */
#define COUNT_STANDING 25 /* hits of POINT_SWISS_SPLIT and POINT_CLASSIC_LARGE that are growths */
#define COUNT_STANDING_NS 26 /* of COUNT_EVENT_NS: for these, and for those of COUNT_PASSED */
#define COUNT_FROZEN 27 /* of COUNT_IGNORED: hits at a time when nothing was heard of the recorder */
#define COUNT_THREADS_LOST 28 /* events that are in no thread_count, as that table was full */
#define N_COUNTERS 29

/* Entries that the tables have room for. */
#define MAX_GROWS 65536
#define MAX_STACKS 16384
#define MAX_SAMPLES 65536
#define MAX_PROCESSES 16384
#define MAX_THREADS 4096

/*
 * What tells a process: its number, which is below 2^22, and above that how often it executed a program since it was
 * recorded. What was counted before must not be read with the addresses of what it runs now. 0 is none.
 */
#define PROCESS_PID_BITS 22
#define PROCESS_MAX_EXECS 1023
/*
 * What is added to a number of executions, above PROCESS_MAX_EXECS, for one by another thread than the first: it left the
 * links of the process behind, also where the process ran another program before.
 */
#define EXECS_LEFT_LINKS 1024

/* A probe, found by its attach cookie. */
struct point {
	u64 link_addr; /* of the probed instruction, as in the ELF file */
	u32 kind;
	u32 flags;
	u32 type_home; /* POINT_*_INLINED: bytes above the stack pointer */
	u32 map_home; /* of POINT_CLASSIC_LARGE: bytes above the frame pointer of who asks for the array */
};

/* What the recorder may change while it runs. */
struct control {
	u64 valid_until; /* by the monotonic clock: later hits are not counted, as nobody would see what they cost */
	u32 is_paused; /* rare events are counted all the same */
	u32 precision; /* of new events: grow_key.precision */
	u32 walk_below; /* a random 32-bit number below this asks for a stack */
	u32 max_frames; /* of stacks, at most MAX_FRAMES */
	u32 standing_apart; /* POINT_SWISS_SPLIT, POINT_CLASSIC_LARGE count their growths, at all times, and other probes do not */
	u32 epoch; /* of new counts; after a change, and a grace period, nothing is added to those of other epochs */
	u32 is_held; /* nothing is counted, rare events neither, but which processes there are and what they execute */
	u32 padding;
};

/* Per CPU, by COUNT_*. */
struct counters {
	u64 of[N_COUNTERS];
};

/* Events that are added up. */
struct grow_key {
	u64 map_type; /* address of the type descriptor in the process */
	u64 stack; /* key of the stack; 0 when there is none */
	u32 process;
	u8 kind;
	u8 log2_capacity; /* before the growth; of GROW_SPLIT: of all tables, were they as deep; of MAKE_HINTED: of the hint, rounded up */
	u8 precision;
	u8 epoch; /* the lower 8 bits of control.epoch */
};

struct grow_value {
	u64 n;
	u64 entries; /* moved; of MAKE_HINTED: hinted */
};

/* Of the events of a thread in a window. */
struct thread_count {
	u64 n;
	u64 event_ns;
	u64 n_paces; /* hits of POINT_PACE before them */
	u64 since; /* when the first of them began, and the last ended; by the monotonic clock */
	u64 until;
};

struct sample_key {
	u64 stack;
	u32 process;
	u32 epoch; /* as in grow_key */
};

/*
 * Of an event: leaf first. Of a CPU sample: the word that is the address to return to if the leaf has no frame, 0 unless
 * it may be one; then leaf first.
 */
struct stack {
	u64 n_frames;
	u64 frames[MAX_FRAMES];
};
