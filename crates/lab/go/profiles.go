package main

import (
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// The functions that write to maps are named so that mapscope finds them in the profiles.

//go:noinline
func overwriteNested(m map[string]map[string]int, outer, inner []string) {
	for _, a := range outer {
		for j, b := range inner {
			m[a][b] = j
		}
	}
}

//go:noinline
func overwriteFlat(m map[pair]int, outer, inner []string) {
	for _, a := range outer {
		for j, b := range inner {
			m[pair{a, b}] = j
		}
	}
}

//go:noinline
func growNested(m map[string]map[string]int, outer, inner []string) {
	for _, a := range outer {
		m[a] = map[string]int{}
		for j, b := range inner {
			m[a][b] = j
		}
	}
}

// callDepth profiles overwriting, where nothing grows, and growing.
func callDepth() {
	outer, inner := names("outer_", 1000), names("inner_", 100)
	m := buildNested(outer, inner, 0, 0)
	profile("overwrite", func() { overwriteNested(m, outer, inner) })
	profile("grow", func() {
		m := map[string]map[string]int{}
		growNested(m, outer, inner)
		sink = m
	})
}

// assignShare profiles writes that grow nothing, to a nested and to a presized flat map, and writes that grow.
func assignShare() {
	outer, inner := names("outer_", 1000), names("inner_", 100)
	nested := buildNested(outer, inner, 0, 0)
	profile("overwrite-nested", func() { overwriteNested(nested, outer, inner) })
	flat := buildFlat(outer, inner, len(outer)*len(inner))
	profile("overwrite-flat", func() { overwriteFlat(flat, outer, inner) })
	profile("grow-nested", func() {
		m := map[string]map[string]int{}
		growNested(m, outer, inner)
		sink = m
	})
}

// profile repeats work under the CPU profiler.
func profile(name string, work func()) {
	file, err := os.Create(filepath.Join(*profiles, name+".pprof"))
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		panic(err)
	}
	for start, budget := cpuTime(), span(1200*time.Millisecond); cpuTime()-start < budget; {
		work()
	}
	pprof.StopCPUProfile()
	if err := file.Close(); err != nil {
		panic(err)
	}
}
