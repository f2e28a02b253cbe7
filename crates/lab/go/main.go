// Command lab runs one experiment once and prints what it measured, in the Go benchmark text format.
//
//	go run . [-quick] [-profiles DIR] EXPERIMENT
//	go run . [-quick] -lookups N cache-misses/LAYOUT    (nothing is printed; to be run under a counter of cache misses)
//
// mapscope lab builds it with each Go, runs each experiment several times, each time in a process of its own, and
// compares. Times are CPU time of the process (getrusage), which neighbours on the machine disturb less than wall time.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
)

var experiments = map[string]func(){
	"layouts":       layouts,
	"write-cost":    writeCost,
	"migration":     migration,
	"empty-maps":    emptyMaps,
	"empty-arrays":  emptyArrays,
	"gc-frequency":  gcFrequency,
	"mark-assist":   markAssist,
	"key-escape":    keyEscape,
	"false-sharing": falseSharing,
	"call-depth":    callDepth,
	"assign-share":  assignShare,
	"sync-map":      syncMap,
	"shards":        shards,
	"flatten":       flatten,
	"presize":       presize,
}

var (
	quick    = flag.Bool("quick", false, "smaller sizes")
	profiles = flag.String("profiles", ".", "directory for the CPU profiles of call-depth and assign-share")
	lookups  = flag.Int("lookups", 0, "lookups to do for cache-misses")
)

func main() {
	flag.Parse()
	name := flag.Arg(0)
	if layout, ok := strings.CutPrefix(name, "cache-misses/"); ok {
		cacheMisses(layout, *lookups)
		return
	}
	run, ok := experiments[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "lab: no experiment %q\n", name)
		os.Exit(2)
	}
	fmt.Printf("goos: %s\ngoarch: %s\ngo: %s\ngomaxprocs: %d\npkg: mapscope/lab/%s\n",
		runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.GOMAXPROCS(0), name)
	run()
}
