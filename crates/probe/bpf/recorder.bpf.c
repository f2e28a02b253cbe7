// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The recorder's kernel side. Self-contained: no kernel headers, no libbpf, only a clang that knows the bpf target.
 *
 * 1. `on_probe` runs at each probe of the Go program; the attach cookie says which one. It reads the few bytes of the
 *    map's header that the event needs, walks the frame pointers, and adds to a count. Nothing is queued.
 * 2. `on_sample` runs on the CPU clock and adds to a count per user stack.
 * 3. `on_exec` runs when a process has executed a program: it is another process for us from then on.
 *
 * Nothing here changes the program. Entry probes only: a uretprobe would replace return addresses on goroutine stacks,
 * which the runtime moves and unwinds.
 *
 * One object per architecture; `registers.h` is all that differs.
 * Source of the offsets: runtime/map.go (hmap) Go 1.18 to 1.23; internal/runtime/maps/{map,table}.go Go 1.24 to 1.27.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

#include "record.h"

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name

/* Source: include/uapi/linux/bpf.h */
enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PROG_ARRAY = 3, BPF_MAP_TYPE_PERCPU_ARRAY = 6 };
enum { BPF_NOEXIST = 1, BPF_EXIST = 2, BPF_F_USER_STACK = 1 << 8 };
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static u32 (*bpf_get_prandom_u32)(void) = (void *)7;
static long (*bpf_tail_call)(void *ctx, void *programs, u32 index) = (void *)12;
static u64 (*bpf_get_current_pid_tgid)(void) = (void *)14;
static u64 (*bpf_get_current_uid_gid)(void) = (void *)15;
static long (*bpf_get_stack)(void *ctx, void *buf, u32 size, u64 flags) = (void *)67;
static long (*bpf_probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
struct pidns_info { u32 pid, tgid; };
static long (*bpf_get_ns_current_pid_tgid)(u64 device, u64 inode, struct pidns_info *info, u32 size) = (void *)120;
static u64 (*bpf_get_attach_cookie)(void *ctx) = (void *)174;

#define READ(to, from) (bpf_probe_read_user(&(to), sizeof(to), (const void *)(from)) == 0)

#include "registers.h"

#define MAX_POINTS 64

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, u32); __type(value, struct point); __uint(max_entries, MAX_POINTS); } points SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, u32); __type(value, struct control); __uint(max_entries, 1); } controls SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, u32); __type(value, struct counters); __uint(max_entries, 1); } counters SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct grow_key); __type(value, struct grow_value); __uint(max_entries, MAX_GROWS); } grows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct sample_key); __type(value, u64); __uint(max_entries, MAX_SAMPLES); } samples SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u64); __type(value, struct stack); __uint(max_entries, MAX_STACKS); } stacks SEC(".maps");
/* By pid: how often processes executed a program while they were recorded. Only `on_exec` changes it. */
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); __type(value, u32); __uint(max_entries, MAX_PROCESSES); } executions SEC(".maps");
/* Processes recorded, with the difference between their addresses and those in the ELF file. */
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); __type(value, u64); __uint(max_entries, MAX_PROCESSES); } processes SEC(".maps");
/* Which threads probes slow down in a window, by thread id. */
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); __type(value, struct thread_count); __uint(max_entries, MAX_THREADS); } threads SEC(".maps");
/* When a POINT_PACE ended on this CPU, and in which thread. */
struct pace { u64 thread, at; };
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, u32); __type(value, struct pace); __uint(max_entries, 1); } paces SEC(".maps");
/*
 * Room to put stacks together in. A thread that is preempted in the middle keeps its own, and so does what a CPU sample
 * interrupts: each takes one that is free.
 */
struct scratch { u32 is_taken, padding; struct stack stack; };
enum { N_SCRATCH = 8 };
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, u32); __type(value, struct scratch); __uint(max_entries, N_SCRATCH); } scratches SEC(".maps");

/*
 * From 6.13 on the kernel gives a program like on_probe a stack per CPU in place of that of the thread, as if it could not
 * be preempted. On a probe of user code it can be, and two threads that share that stack overwrite each other's data; kernels
 * have crashed of it. A program that may call another keeps the stack of its thread. Source: kernel/bpf/verifier.c,
 * check_max_stack_depth, Linux 6.13 to 7.2.
 */
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __type(key, u32); __type(value, u32); __uint(max_entries, 1); } no_programs SEC(".maps");

/* Numerator of the classic load factor over 2: 12 in Go 1.21, 13 in all others. */
volatile const u32 classic_load = 13;

/* Where control says so, growths of classic maps to arrays of more than this are counted apart; and hashGrow, which asks for
 * these, as in the ELF file. */
volatile const u64 large_above = 0, grower_start = 0, grower_end = 0;

/* Where the functions are, as in the ELF file. */
volatile const u64 text_start = 0, text_end = 0;

/* The recorder's PID namespace, where it is not that of the machine: processes have the numbers that they have there. */
volatile const u64 namespace_device = 0, namespace_inode = 0;

/* Without the right to look at the processes of others, only those of one user are recorded. */
volatile const u32 is_of_one_user = 0, one_user = 0;

/* Whether anything is in `executions`: mostly it is not. */
volatile u32 has_executions = 0;

/* Atomic, as a thread may be preempted in the middle of it by another that counts on the same CPU. */
INLINE void count(u32 counter, u64 n)
{
	u32 zero = 0;
	struct counters *sums = bpf_map_lookup_elem(&counters, &zero);
	if (sums)
		__sync_fetch_and_add(&sums->of[counter], n);
}

/* The thread that runs. */
struct who { u32 tid, process; };

/* Returns 0 when its process is not to be recorded. */
INLINE int who_runs(struct who *who)
{
	struct pidns_info info = {};
	u64 both;
	u32 *n_execs;

	if (is_of_one_user && (u32)bpf_get_current_uid_gid() != one_user)
		return 0;
	if (namespace_inode) {
		/* Fails for processes of other namespaces. */
		if (bpf_get_ns_current_pid_tgid(namespace_device, namespace_inode, &info, sizeof(info)))
			return 0;
	} else {
		both = bpf_get_current_pid_tgid();
		info.tgid = both >> 32;
		info.pid = both;
	}
	who->tid = info.pid;
	who->process = info.tgid;
	if (has_executions && (n_execs = bpf_map_lookup_elem(&executions, &info.tgid)))
		/* What is above that many is shifted out. */
		who->process |= *n_execs << PROCESS_PID_BITS;
	return 1;
}

INLINE struct scratch *take_scratch(void)
{
	for (u32 i = 0; i < N_SCRATCH; i++) {
		/* A copy: a counter whose address is taken is in memory, where old verifiers lose it, and see no end. */
		u32 key = i;
		struct scratch *scratch = bpf_map_lookup_elem(&scratches, &key);
		if (scratch && __sync_val_compare_and_swap(&scratch->is_taken, 0, 1) == 0)
			return scratch;
	}
	count(COUNT_STACKS_LOST, 1);
	return 0;
}

INLINE void release_scratch(struct scratch *scratch)
{
	__sync_lock_test_and_set(&scratch->is_taken, 0);
}

/* Mixes a word into the key of a stack. */
INLINE u64 mix(u64 hash, u64 word)
{
	hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
	return hash ^ (hash >> 29);
}

/* Stores the stack unless it is there. Returns its key, or 0 when it was lost. */
INLINE u64 keep_stack(struct stack *stack, u64 hash)
{
	if (!hash)
		hash = 1;
	if (bpf_map_lookup_elem(&stacks, &hash))
		return hash;
	if (bpf_map_update_elem(&stacks, &hash, stack, 0) == 0) {
		count(COUNT_NEW_STACKS, 1);
		return hash;
	}
	count(COUNT_STACKS_LOST, 1);
	return 0;
}

struct frame { u64 next, ret; };

/* Walks the frame pointers from a probe. Returns the key of the stack, or 0. */
INLINE u64 walk(struct pt_regs *ctx, u32 in_body, u32 max_frames)
{
	struct scratch *scratch = take_scratch();
	u64 fp = FP(ctx), hash = mix(0, PC(ctx));
	struct stack *stack;
	u32 n = 1, is_cut = fp != 0;

	if (!scratch)
		return 0;
	stack = &scratch->stack;
	stack->frames[0] = PC(ctx);
	if (!in_body && READ_RETURN_ADDRESS(stack->frames[1], ctx)) {
		hash = mix(hash, stack->frames[1]);
		n = 2;
	}
	for (u32 i = n; i < MAX_FRAMES && i < max_frames; i++) {
		struct frame frame;
		if (!fp || !READ(frame, fp) || !frame.ret) {
			is_cut = 0;
			break;
		}
		stack->frames[i] = frame.ret;
		hash = mix(hash, frame.ret);
		n = i + 1;
		if (frame.next <= fp) {
			is_cut = 0;
			break;
		}
		fp = frame.next;
	}
	stack->n_frames = n;
	if (is_cut)
		count(COUNT_STACKS_CUT, 1);
	count(COUNT_FRAMES, n);
	hash = keep_stack(stack, hash);
	release_scratch(scratch);
	return hash;
}

INLINE void add_process(struct pt_regs *ctx, const struct point *point, u32 process)
{
	u64 bias = PC(ctx) - point->link_addr;

	/* Of several threads that come at once, one is the first. */
	if (bpf_map_update_elem(&processes, &process, &bias, BPF_NOEXIST)) {
		bpf_map_update_elem(&processes, &process, &bias, BPF_EXIST);
		return;
	}
	count(COUNT_NEW_PROCESSES, 1);
	if (process >> PROCESS_PID_BITS)
		count(COUNT_RESTARTS, 1);
}

struct event {
	u64 map_type, entries;
	u8 kind, log2_capacity;
};

/* In place all the time, unless that costs too much: such growths are seldom, and only large maps have them. */
INLINE int is_standing(const struct point *point)
{
	return point->kind == POINT_SWISS_SPLIT || point->kind == POINT_CLASSIC_LARGE;
}

INLINE void account(struct pt_regs *ctx, const struct point *point, const struct control *control, const struct event *event, u32 process)
{
	struct grow_key key = {
		.map_type = event->map_type,
		.process = process,
		.kind = event->kind,
		.log2_capacity = event->log2_capacity,
		.precision = control->precision,
		.epoch = control->epoch,
	};
	struct grow_value *value, zero = {};
	u32 walk_below = control->walk_below;

	if (is_standing(point)) {
		key.precision = 0;
		walk_below = ~0u;
		count(COUNT_STANDING, 1);
	}

	if (walk_below == ~0u || bpf_get_prandom_u32() < walk_below) {
		key.stack = walk(ctx, point->flags & POINT_IN_BODY, control->max_frames);
		count(COUNT_WALKED, 1);
	} else {
		count(COUNT_STACKLESS, 1);
	}
	value = bpf_map_lookup_elem(&grows, &key);
	if (!value) {
		add_process(ctx, point, process);
		bpf_map_update_elem(&grows, &key, &zero, BPF_NOEXIST);
		count(COUNT_NEW_GROWS, 1);
		value = bpf_map_lookup_elem(&grows, &key);
		if (!value) {
			count(COUNT_TABLE_FULL, 1);
			return;
		}
	}
	__sync_fetch_and_add(&value->n, 1);
	__sync_fetch_and_add(&value->entries, event->entries);
}

INLINE u8 log2_of(u64 n)
{
	u8 log = 0;
	for (u32 i = 0; i < 63; i++)
		log += (n >> (i + 1)) != 0;
	return log;
}

INLINE u8 log2_of_u16(u32 n)
{
	u8 log = 0;
	for (u32 i = 0; i < 15; i++)
		log += (n >> (i + 1)) != 0;
	return log;
}

struct hmap { u64 count; u8 flags, B; u16 noverflow; u32 hash0; };

/* Source: runtime/map.go, hashGrow and overLoadFactor. */
INLINE int read_classic(struct event *event, u64 map_type, u64 map)
{
	struct hmap h;

	if (!READ(h, map))
		return 0;
	u32 log2_buckets = h.B & 63;
	u64 max = classic_load * ((1ULL << log2_buckets) / 2);
	event->map_type = map_type;
	event->entries = h.count;
	event->kind = h.count + 1 > 8 && h.count + 1 > max ? GROW_DOUBLE : GROW_SAME_SIZE;
	event->log2_capacity = log2_buckets + 3;
	return 1;
}

/* Of the type of a classic map. Source: internal/abi/map_noswiss.go, runtime/type.go before. */
enum { TYPE_BUCKET_SIZE = 82 };

/* Whether the array that takes the place of this one is large. Source: runtime/map.go, makeBucketArray. */
INLINE int is_to_large(const struct event *event)
{
	u32 log2_buckets = event->log2_capacity - 3 + (event->kind == GROW_DOUBLE);
	u16 bucket_size;

	if (log2_buckets < 4 || log2_buckets > 40 || !READ(bucket_size, event->map_type + TYPE_BUCKET_SIZE))
		return 0;
	return bucket_size * ((1ULL << log2_buckets) + (1ULL << (log2_buckets - 4))) > large_above;
}

struct table { u16 used, capacity, growth_left; u8 local_depth, padding; };

/* Source: internal/runtime/maps/table.go, rehash. Of a table of local depth d a map has 2^d, when all are as deep. */
INLINE int read_table(struct event *event, u64 map_type, u64 address)
{
	struct table table;

	if (!READ(table, address))
		return 0;
	event->map_type = map_type;
	event->entries = table.used;
	event->kind = (u32)table.capacity * 2 <= 1024 ? GROW_TABLE : GROW_SPLIT;
	event->log2_capacity = log2_of_u16(table.capacity) + (event->kind == GROW_SPLIT ? table.local_depth : 0);
	return 1;
}

/* Source: internal/runtime/maps/map.go, growToTable. */
INLINE int read_small(struct event *event, u64 map_type, u64 map)
{
	event->map_type = map_type;
	event->kind = GROW_TO_TABLE;
	event->log2_capacity = 3;
	return READ(event->entries, map);
}

INLINE int read_make(struct event *event, u64 map_type, u64 hint)
{
	/* A negative hint is none. */
	if ((s64)hint < 0)
		hint = 0;
	event->map_type = map_type;
	event->kind = MAKE_HINTED;
	event->entries = hint;
	event->log2_capacity = hint > 1 ? log2_of(hint - 1) + 1 : 0;
	return 1;
}

enum { FAULT, EVENT, COUNTED_ELSEWHERE, NO_GROWTH };

/* In makeBucketArray: its caller may be hashGrow, which keeps the map where its own caller left room for it. */
INLINE int read_large(struct pt_regs *ctx, const struct point *point, struct event *event)
{
	struct frame frame;
	u64 map;

	if (!READ(frame, FP(ctx)))
		return FAULT;
	if (frame.ret - (PC(ctx) - point->link_addr) - grower_start >= grower_end - grower_start)
		return NO_GROWTH;
	return READ(map, frame.next + point->map_home) && read_classic(event, ARG_0(ctx), map) ? EVENT : FAULT;
}

INLINE int read_event(struct pt_regs *ctx, const struct point *point, const struct control *control, struct event *event)
{
	u64 map_type, map;

	switch (point->kind) {
	case POINT_CLASSIC_GROW:
		if (!read_classic(event, ARG_0(ctx), ARG_1(ctx)))
			return FAULT;
		return control->standing_apart && is_to_large(event) ? COUNTED_ELSEWHERE : EVENT;
	case POINT_CLASSIC_LARGE:
		return read_large(ctx, point, event);
	case POINT_SWISS_REHASH:
		if (!read_table(event, ARG_1(ctx), ARG_0(ctx)))
			return FAULT;
		return control->standing_apart && event->kind == GROW_SPLIT ? COUNTED_ELSEWHERE : EVENT;
	case POINT_SWISS_SPLIT:
		return read_table(event, ARG_1(ctx), ARG_0(ctx));
	case POINT_SWISS_TO_TABLE:
		return read_small(event, ARG_1(ctx), ARG_0(ctx));
	case POINT_CLASSIC_INLINED:
		return READ(map_type, SP(ctx) + point->type_home) && READ(map, SP(ctx) + point->map_home) &&
		       read_classic(event, map_type, map);
	case POINT_SWISS_TO_TABLE_INLINED:
		return READ(map_type, SP(ctx) + point->type_home) && READ(map, SP(ctx) + point->map_home) &&
		       read_small(event, map_type, map);
	case POINT_MAKE:
		return read_make(event, ARG_0(ctx), ARG_1(ctx));
	}
	return 0;
}

/* Longer than getting to a probe takes, unless the thread was interrupted. */
enum { MAX_PACE_NS = 20000 };

/* What lies between the program of one probe and that of the next is what a trap costs. */
INLINE void end_pace(u64 now)
{
	u32 zero = 0;
	struct pace *pace = bpf_map_lookup_elem(&paces, &zero);

	if (!pace || pace->thread != bpf_get_current_pid_tgid())
		return;
	pace->thread = 0;
	if (now - pace->at < MAX_PACE_NS) {
		count(COUNT_PACE_NS, now - pace->at);
		count(COUNT_PACES, 1);
	}
}

INLINE void count_thread(u32 tid, const struct thread_count *more)
{
	struct thread_count *sum = bpf_map_lookup_elem(&threads, &tid);

	if (sum) {
		/* No other thread has this key. */
		sum->n += more->n;
		sum->event_ns += more->event_ns;
		sum->n_paces += more->n_paces;
		if (!sum->since)
			sum->since = more->since;
		if (more->until)
			sum->until = more->until;
	} else if (bpf_map_update_elem(&threads, &tid, more, 0)) {
		count(COUNT_THREADS_LOST, more->n);
	}
}

INLINE void begin_pace(u32 tid)
{
	u32 zero = 0;
	struct pace *pace = bpf_map_lookup_elem(&paces, &zero);
	struct thread_count one = { .n_paces = 1 };

	count(COUNT_CHECKS, 1);
	count_thread(tid, &one);
	if (pace) {
		pace->thread = bpf_get_current_pid_tgid();
		pace->at = bpf_ktime_get_ns();
	}
}

SEC("uprobe")
int on_probe(struct pt_regs *ctx)
{
	u32 idx = bpf_get_attach_cookie(ctx), zero = 0;
	struct point *point = bpf_map_lookup_elem(&points, &idx);
	struct control *control = bpf_map_lookup_elem(&controls, &zero);
	struct thread_count one = { .n = 1 };
	struct event event = {};
	struct who who;
	u64 start, end;

	if (!point || !control) {
		/* Never so, and nothing to call. See no_programs. */
		bpf_tail_call(ctx, &no_programs, 0);
		return 0;
	}
	if (!who_runs(&who)) {
		count(COUNT_NOT_OURS, 1);
		return 0;
	}
	if (point->flags & POINT_ON_BRANCH && STACK_IS_TOO_SMALL(ctx)) {
		count(COUNT_IGNORED, 1);
		return 0;
	}
	if (point->kind == POINT_START) {
		add_process(ctx, point, who.process);
		count(COUNT_CHECKS, 1);
		return 0;
	}
	if (control->is_held) {
		count(COUNT_IGNORED, 1);
		return 0;
	}
	switch (point->kind) {
	case POINT_GC_CYCLE:
		count(COUNT_GC_CYCLES, 1);
		count(COUNT_CHECKS, 1);
		return 0;
	}
	if (is_standing(point) ? !control->standing_apart : control->is_paused) {
		count(COUNT_IGNORED, 1);
		return 0;
	}
	start = bpf_ktime_get_ns();
	if (start > control->valid_until) {
		count(COUNT_IGNORED, 1);
		count(COUNT_FROZEN, 1);
		return 0;
	}
	switch (point->kind) {
	case POINT_PACE:
		begin_pace(who.tid);
		return 0;
	case POINT_GC_ASSIST:
		count(COUNT_GC_ASSISTS, 1);
		count(COUNT_CHECKS, 1);
		return 0;
	}
	if (point->kind == POINT_MAKE)
		count(COUNT_MAKES, 1);
	end_pace(start);
	switch (read_event(ctx, point, control, &event)) {
	case EVENT:
		account(ctx, point, control, &event, who.process);
		break;
	case COUNTED_ELSEWHERE:
		count(COUNT_IGNORED, 1);
		break;
	case NO_GROWTH:
		count(COUNT_PASSED, 1);
		break;
	default:
		count(COUNT_READ_FAULTS, 1);
	}
	end = bpf_ktime_get_ns();
	count(COUNT_EVENT_NS, end - start);
	if (is_standing(point))
		count(COUNT_STANDING_NS, end - start);
	if (control->precision == PRECISION_WINDOW) {
		one.event_ns = end - start;
		one.since = start;
		one.until = end;
		count_thread(who.tid, &one);
	}
	return 0;
}

/* Source: include/uapi/linux/bpf_perf_event.h */
struct bpf_perf_event_data { struct pt_regs regs; u64 sample_period, addr; };

/*
 * The word that is the address to return to in a function without a frame, where it points into the program's text, else
 * 0. The walk of frame pointers passes over the caller of such a function.
 */
INLINE u64 return_if_frameless(struct bpf_perf_event_data *ctx, u64 bias)
{
	u64 word;

	if (!IS_USER_MODE(&ctx->regs) || !READ_RETURN_ADDRESS(word, &ctx->regs) ||
	    word - bias - text_start >= text_end - text_start)
		return 0;
	return word;
}

/* Returns the key of the user's stack, or 0. */
INLINE u64 sampled_stack(struct bpf_perf_event_data *ctx, u64 bias)
{
	struct scratch *scratch = take_scratch();
	struct stack *stack;
	/* Not that of events: a stack that begins with 0 would share its key with the event whose stack is the rest. */
	u64 hash = 1;
	s64 size;

	if (!scratch)
		return 0;
	stack = &scratch->stack;
	stack->frames[0] = return_if_frameless(ctx, bias);
	size = bpf_get_stack(ctx, stack->frames + 1, sizeof(stack->frames) - 8, BPF_F_USER_STACK);
	stack->n_frames = size > 0 ? 1 + (u64)size / 8 : 0;
	for (u32 i = 0; i < MAX_FRAMES && i < stack->n_frames; i++)
		hash = mix(hash, stack->frames[i]);
	hash = stack->n_frames ? keep_stack(stack, hash) : 0;
	release_scratch(scratch);
	return hash;
}

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	struct sample_key key = {};
	struct who who;
	u64 *value, *bias, one = 1;
	u32 zero = 0;
	struct control *control = bpf_map_lookup_elem(&controls, &zero);

	if (!control || control->is_held || !who_runs(&who))
		return 0;
	key.process = who.process;
	bias = bpf_map_lookup_elem(&processes, &key.process);
	if (!bias)
		return 0;
	key.epoch = control->epoch & 0xff;
	count(COUNT_SAMPLES, 1);
	key.stack = sampled_stack(ctx, *bias);
	value = bpf_map_lookup_elem(&samples, &key);
	if (value)
		__sync_fetch_and_add(value, 1);
	else if (bpf_map_update_elem(&samples, &key, &one, BPF_NOEXIST) == 0)
		count(COUNT_NEW_SAMPLES, 1);
	else if ((value = bpf_map_lookup_elem(&samples, &key)))
		/* Another CPU was faster. */
		__sync_fetch_and_add(value, 1);
	else
		count(COUNT_SAMPLES_LOST, 1);
	return 0;
}

/* Source: include/trace/events/sched.h, sched_process_exec: the task, its number before, the binary. */
struct exec_args { u64 task, old_tid, binary; };

/*
 * Links to a process are links to its first thread. When another thread executes a program, it takes over the number of
 * the process, and the links are to a thread that has ended.
 */
SEC("raw_tracepoint")
int on_exec(struct exec_args *args)
{
	/* The verifier wants the whole word to be read. */
	u64 old_tid = *(volatile u64 *)&args->old_tid;
	u32 is_first = (u32)old_tid == (u32)(bpf_get_current_pid_tgid() >> 32), pid, n_execs, *before;
	struct who who;

	if (!who_runs(&who))
		return 0;
	pid = who.process & ((1 << PROCESS_PID_BITS) - 1);
	before = bpf_map_lookup_elem(&executions, &pid);
	n_execs = before ? *before : 0;
	if (!is_first)
		n_execs += EXECS_LEFT_LINKS;
	if (!bpf_map_lookup_elem(&processes, &who.process)) {
		/* It ran another program, and may run ours from now on. */
		if (before)
			*before = n_execs;
		return 0;
	}
	n_execs = (n_execs & ~PROCESS_MAX_EXECS) | ((n_execs & PROCESS_MAX_EXECS) % PROCESS_MAX_EXECS + 1);
	has_executions = 1;
	if (bpf_map_update_elem(&executions, &pid, &n_execs, 0))
		/* Full: rather nothing of it than what is wrong. */
		bpf_map_delete_elem(&processes, &who.process);
	/* Last: who sees that it was counted sees the rest. */
	count(COUNT_EXECS, 1);
	return 0;
}

/* Says of which sources this object was made. */
const char DIGEST[] SEC(".digest") = SOURCE_DIGEST;
char LICENSE[] SEC("license") = "Dual MIT/GPL";
