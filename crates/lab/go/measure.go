package main

import (
	"fmt"
	"math/rand"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sink keeps results alive.
var sink any

// figure is a number with its unit.
type figure struct {
	value float64
	unit  string
}

// report prints a line of the Go benchmark text format: name, iterations, pairs of value and unit.
func report(name string, n int, figures ...figure) {
	var line strings.Builder
	fmt.Fprintf(&line, "Benchmark%s %d", name, n)
	for _, f := range figures {
		fmt.Fprintf(&line, " %s %s", strconv.FormatFloat(f.value, 'g', 6, 64), f.unit)
	}
	fmt.Println(line.String())
}

// pick chooses a size by scale.
func pick(full, fast int) int {
	if *quick {
		return fast
	}
	return full
}

// span chooses a duration by scale: a quarter when quick.
func span(full time.Duration) time.Duration {
	if *quick {
		return full / 4
	}
	return full
}

// cpuTime is the CPU time that this process has used, in user and kernel mode.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// perOp repeats f, which does n operations, for at least budget of CPU time.
func perOp(name string, n int, budget time.Duration, f func()) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, ops := cpuTime(), 0
	var used time.Duration
	// Reading the clock is a system call: short work is repeated more and more often before the next one.
	for repeats := 1; used < budget; {
		for i := 0; i < repeats; i++ {
			f()
		}
		ops += n * repeats
		if used = cpuTime() - start; used < budget/16 {
			repeats *= 2
		}
	}
	runtime.ReadMemStats(&after)
	per := func(total float64) float64 { return total / float64(ops) }
	report(name, ops,
		figure{per(float64(used.Nanoseconds())), "cpu-ns/op"},
		figure{per(float64(after.TotalAlloc - before.TotalAlloc)), "B/op"},
		figure{per(float64(after.Mallocs - before.Mallocs)), "allocs/op"})
}

// liveBytes is the heap that is in use after a collection.
func liveBytes() float64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// held builds something and reports how much heap it keeps, per entry.
func held[M any](name string, n int, build func() M) M {
	before := liveBytes()
	m := build()
	report(name, n, figure{(liveBytes() - before) / float64(n), "held-B/entry"})
	return m
}

// names makes n strings that differ in their last characters, as names in programs do.
func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = prefix + strconv.Itoa(i)
	}
	return out
}

// shuffled is a fixed random order of 0 to n-1.
func shuffled(n int) []int {
	return rand.New(rand.NewSource(7)).Perm(n)
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

// pair is a key of two parts.
type pair struct{ a, b string }
