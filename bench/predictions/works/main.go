// works does work with maps, on the sources of Go or on what it makes up, as written first or rewritten, and prints what it
// cost.
//
//	works WORK REWRITE TIMES [PROFILE [HEAP]]
//
// REWRITE is none, or how to rewrite the work. The standard library's own works (zip, query, json) are rewritten by
// building with an overlay, see ../programs.py. TIMES is a number, or how much CPU time to use: 2s. Printed as KEY VALUE:
// CPU time a time in ns, bytes allocated the first time, and the sizes of the maps as `whatif` takes them. The heap profile
// has what the work allocates, not what its preparation does. WORKS_HINT is the size hint for works that take one for all.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A work is prepared once; fill does it and returns what it made, of which sizes are printed.
type work func(rewrite string) (fill func() any)

var works = map[string]work{
	"words":    nested(readWords),
	"bigrams":  nested(readBigrams),
	"trigrams": trigrams,
	"zip":      openZip,
	"query":    parseQueries,
	"json":     decodeObjects,
	"groups":   groups,
	"index":    index,
	"tallies":  tallies,
	"edges":    edges,
	"tags":     tags,
	"sets":     sets,
	"counts":   counts,
	"anyInts":  anyInts,
	"anyWords": anyWords,
	"printed":  printed,
	"joined":   joined,
	"long":     long,
	"postings": postings,
	"buckets":  buckets,
	"few":      few,
	"scan":     scan,
	"shrunk":   shrunk,
	"cleared":  cleared,
	"pending":  pending,
	"several":  several,
}

var kept any

func main() {
	rate := runtime.MemProfileRate
	runtime.MemProfileRate = 0
	prepare, rewrite := works[os.Args[1]], os.Args[2]
	fill := prepare(rewrite)
	runtime.MemProfileRate = rate
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	kept = fill()
	runtime.ReadMemStats(&after)
	fmt.Println("allocated", after.TotalAlloc-before.TotalAlloc)
	printSizes(kept)
	if len(os.Args) > 4 {
		profile, err := os.Create(os.Args[4])
		check(err)
		check(pprof.StartCPUProfile(profile))
		defer pprof.StopCPUProfile()
	}
	start, n := cpu(), 0
	for goesOn := limit(os.Args[3], start); goesOn(n); n++ {
		kept = fill()
	}
	fmt.Println("cpu", int64(cpu()-start)/int64(max(n, 1)))
	if len(os.Args) > 5 {
		heap, err := os.Create(os.Args[5])
		check(err)
		runtime.GC()
		check(pprof.Lookup("allocs").WriteTo(heap, 0))
		check(heap.Close())
	}
}

// limit says of how often the work was done whether to do it again: once less than TIMES, or until so much time is used.
func limit(times string, start time.Duration) func(n int) bool {
	if duration, err := time.ParseDuration(times); err == nil && times != "0" {
		return func(int) bool { return cpu()-start < duration }
	}
	most, _ := strconv.Atoi(times)
	return func(n int) bool { return n+1 < most }
}

// hinted is the size hint that was asked for, or else this one.
func hinted(usual int) int {
	if hint, err := strconv.Atoi(os.Getenv("WORKS_HINT")); err == nil {
		return hint
	}
	return usual
}

func cpu() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// printSizes prints nothing of what is not a nested map.
func printSizes(made any) {
	counts := map[int]int{}
	outer := 0
	switch m := made.(type) {
	case map[string]map[string]int:
		outer = len(m)
		for _, inner := range m {
			counts[len(inner)]++
		}
	case map[uint32]map[int32]int32:
		outer = len(m)
		for _, inner := range m {
			counts[len(inner)]++
		}
	case sizes:
		fmt.Println("entries", m.entries)
		fmt.Println("maps", m.maps)
		return
	default:
		return
	}
	var parts []string
	for entries, maps := range counts {
		parts = append(parts, fmt.Sprintf("%d*%d", entries, maps))
	}
	sort.Strings(parts)
	fmt.Println("outer", outer)
	fmt.Println("inner", strings.Join(parts, ","))
}
