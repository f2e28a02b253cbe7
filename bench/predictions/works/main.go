// works does work with maps on the sources of Go, as written first or rewritten, and prints what it cost.
//
//	works WORK REWRITE TIMES [PROFILE]
//
// REWRITE is none, presize, flatten or both. The standard library's own works (zip, query, json) are rewritten by
// building with an overlay, see ../run. Printed as KEY VALUE: CPU time a time in ns, bytes allocated the first time, and
// the sizes of the maps as `whatif` takes them.
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
}

var kept any

func main() {
	prepare, rewrite := works[os.Args[1]], os.Args[2]
	times, _ := strconv.Atoi(os.Args[3])
	fill := prepare(rewrite)
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
	start := cpu()
	for i := 1; i < times; i++ {
		kept = fill()
	}
	fmt.Println("cpu", int64(cpu()-start)/int64(max(times-1, 1)))
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
