package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// writeCost fills nested maps of several shapes from nothing, and a flat map of the same keys. If a write cost work in
// proportion to the size of the maps, the larger shapes would cost thousands of times more per write.
func writeCost() {
	shapes := [][2]int{{10, 10}, {10, 1000}, {1000, 10}, {1000, pick(1000, 100)}}
	labels := []string{"small", "large-inner", "large-outer", "large-both"}
	for i, shape := range shapes {
		outer, inner := names("outer_", shape[0]), names("inner_", shape[1])
		n := len(outer) * len(inner)
		name := "WriteCost/" + labels[i]
		nested := func() map[string]map[string]int { return buildNested(outer, inner, 0, 0) }
		perOp(name+"/nested", n, span(150*time.Millisecond), func() { sink = nested() })
		flat := func() map[pair]int { return buildFlat(outer, inner, 0) }
		perOp(name+"/flat", n, span(150*time.Millisecond), func() { sink = flat() })
		sink = nil
		sink = held(name+"/nested", n, nested)
		sink = held(name+"/flat", n, flat)
	}
}

func buildNested(outer, inner []string, outerHint, innerHint int) map[string]map[string]int {
	m := make(map[string]map[string]int, outerHint)
	for _, a := range outer {
		in := make(map[string]int, innerHint)
		for j, b := range inner {
			in[b] = j
		}
		m[a] = in
	}
	return m
}

func buildFlat(outer, inner []string, hint int) map[pair]int {
	m := make(map[pair]int, hint)
	for _, a := range outer {
		for j, b := range inner {
			m[pair{a, b}] = j
		}
	}
	return m
}

// migration fills one large map, growing and presized: what growth adds to an insertion, and to stopped time.
func migration() {
	n := pick(1_000_000, 200_000)
	keys := names("key_", n)
	ints := func(hint int) {
		m := make(map[int]int, hint)
		for i := 0; i < n; i++ {
			m[i] = i
		}
		sink = m
	}
	strings := func(hint int) {
		m := make(map[string]int, hint)
		for i, key := range keys {
			m[key] = i
		}
		sink = m
	}
	fill("int-keys", n, ints)
	fill("string-keys", n, strings)
}

func fill(name string, n int, build func(hint int)) {
	for _, hint := range []int{0, n} {
		way := "growing"
		if hint > 0 {
			way = "presized"
		}
		// Without collections, which are no part of an insertion.
		percent := debug.SetGCPercent(-1)
		sink = nil
		runtime.GC()
		start := cpuTime()
		build(hint)
		used := cpuTime() - start
		debug.SetGCPercent(percent)

		sink = nil
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		build(hint)
		runtime.ReadMemStats(&after)
		stopped := time.Duration(after.PauseTotalNs - before.PauseTotalNs)
		report(fmt.Sprintf("Migration/%s/%s", name, way), n,
			figure{float64(used.Nanoseconds()) / float64(n), "cpu-ns/op"},
			figure{float64(stopped.Nanoseconds()) / 1e3 / (float64(n) / 1e5), "stopped-us/100k"},
			figure{float64(after.NumGC - before.NumGC), "collections"})
	}
}

// presize builds nested maps without hints, with the right hint for the inner maps, and with one ten times too large.
func presize() {
	shapes := [][2]int{{pick(10_000, 2_000), 4}, {pick(10_000, 2_000), 16}, {pick(100, 20), 1000}}
	for _, shape := range shapes {
		outer, inner := names("outer_", shape[0]), names("inner_", shape[1])
		n := len(outer) * len(inner)
		ways := []struct {
			name string
			hint int
		}{{"no-hint", 0}, {"hint", len(inner)}, {"hint-x10", 10 * len(inner)}}
		for _, way := range ways {
			name := fmt.Sprintf("Presize/inner=%d/%s", len(inner), way.name)
			build := func() map[string]map[string]int { return buildNested(outer, inner, 0, way.hint) }
			perOp(name, n, span(120*time.Millisecond), func() { sink = build() })
			sink = nil
			sink = held(name, n, build)
		}
	}
}
