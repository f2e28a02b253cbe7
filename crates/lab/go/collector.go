package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// collections forces collections while kept is alive: CPU time of one, and how long the world stood still in it. Both
// are medians over the collections.
func collections(name string, kept any) {
	debug.SetGCPercent(-1)
	runtime.GC()
	runtime.GC()
	cycles := pick(31, 11)
	var cpu, stopped []float64
	for i := 0; i < cycles; i++ {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := cpuTime()
		runtime.GC()
		cpu = append(cpu, float64(cpuTime()-start)/1e3)
		runtime.ReadMemStats(&after)
		stopped = append(stopped, float64(after.PauseTotalNs-before.PauseTotalNs)/1e3)
	}
	runtime.KeepAlive(kept)
	debug.SetGCPercent(100)
	report(name, cycles, figure{median(stopped), "stopped-us/cycle"}, figure{median(cpu), "cpu-us/cycle"})
}

// emptyMaps keeps empty inner maps and collects.
func emptyMaps() {
	collections("EmptyMaps/none", nil)
	for _, n := range []int{10_000, pick(100_000, 30_000)} {
		m := make(map[string]map[string]int, n)
		for i := 0; i < n; i++ {
			m["outer_"+strconv.Itoa(i)] = map[string]int{}
		}
		name := "EmptyMaps/10k"
		if n != 10_000 {
			name = "EmptyMaps/many"
		}
		collections(name, m)
	}
}

// emptyArrays keeps empty inner maps with room for more and more entries, with and without pointers in them.
func emptyArrays() {
	const n = 4_000
	for _, room := range []int{0, 64, 512} {
		collections("EmptyArrays/strings/room-for="+strconv.Itoa(room),
			inners(n, func() map[string]int { return make(map[string]int, room) }))
	}
	for _, room := range []int{0, 64, 512} {
		collections("EmptyArrays/ints/room-for="+strconv.Itoa(room),
			inners(n, func() map[int]int { return make(map[int]int, room) }))
	}
}

func inners[M any](n int, build func() M) map[int]M {
	m := make(map[int]M, n)
	for i := 0; i < n; i++ {
		m[i] = build()
	}
	return m
}

// gcFrequency allocates a fixed amount of garbage while it keeps inner maps, or as many bytes without pointers.
func gcFrequency() {
	inner := names("inner_", 8)
	build := func(n, size int) func() any {
		return func() any {
			m := make(map[string]map[string]int, n)
			for i := 0; i < n; i++ {
				in := map[string]int{}
				for j := 0; j < size; j++ {
					in[inner[j]] = j
				}
				m["outer_"+strconv.Itoa(i)] = in
			}
			return m
		}
	}
	cyclesFor("GCFrequency/none", func() any { return nil })
	cyclesFor("GCFrequency/5k-empty-maps", build(5_000, 0))
	live := cyclesFor("GCFrequency/20k-maps-of-8", build(20_000, 8))
	cyclesFor("GCFrequency/as-many-bytes", func() any { return make([]byte, live) })
}

func cyclesFor(name string, build func() any) (live int) {
	base := liveBytes()
	kept := build()
	live = int(liveBytes() - base)
	const size = 1024
	n := pick(512, 128) << 20 / size
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	for i := 0; i < n; i++ {
		sink = make([]byte, size)
	}
	used := cpuTime() - start
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	gib := float64(n) * size / (1 << 30)
	report(name, n,
		figure{float64(after.NumGC-before.NumGC) / gib, "cycles/GiB"},
		figure{float64(used.Nanoseconds()) / float64(n), "cpu-ns/op"},
		figure{float64(live), "live-B"})
	return live
}

type node struct{ left, right *node }

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

// markAssist lets the collector mark a tree for most of the time, and measures how much of the CPU time allocating
// goroutines have to help it. The runtime counts wall time of assists: on a busy machine the share is too high.
func markAssist() {
	ballast := tree(pick(20, 18))
	outer, inner := names("outer_", 100_000), names("inner_", 100)
	ready := make([]map[string]int, len(outer))
	for i := range ready {
		ready[i] = map[string]int{inner[0]: i}
	}
	fixed := buildNested(outer[:1000], inner, 0, 0)

	assist("overwrite-inner", true, func() {
		for _, a := range outer[:1000] {
			in := fixed[a]
			for j, b := range inner {
				in[b] = j
			}
		}
	})
	assist("grow-outer", false, func() {
		m := map[string]map[string]int{}
		for i, a := range outer {
			m[a] = ready[i]
		}
		sink = m
	})
	assist("grow-flat-ints", false, func() {
		m := map[int]int{}
		for i := range outer {
			m[i] = i
		}
		sink = m
	})
	assist("grow-inner", false, func() {
		for _, a := range outer[:1000] {
			in := map[string]int{}
			for j, b := range inner {
				in[b] = j
			}
			fixed[a] = in
		}
	})
	assist("byte-slices", false, func() {
		for i := 0; i < 5000; i++ {
			sink = make([]byte, 4096)
		}
	})
	runtime.KeepAlive(ballast)
}

// assist reports which part of the CPU time of work was spent to help the collector. Work that allocates nothing would
// see no collection: forced runs them beside it.
func assist(name string, forced bool, work func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for forced {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	runtime.GC()
	before, start := assistSeconds(), cpuTime()
	n, budget := 0, span(400*time.Millisecond)
	var used time.Duration
	for used < budget {
		work()
		n++
		used = cpuTime() - start
	}
	close(stop)
	<-stopped
	// The counters of the runtime are those of finished collections.
	runtime.GC()
	part := assistSeconds() - before
	report("MarkAssist/"+name, n, figure{100 * part / used.Seconds(), "assist-pct"})
	sink = nil
}

func assistSeconds() float64 {
	sample := []metrics.Sample{{Name: "/cpu/classes/gc/mark/assist:cpu-seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64()
}
