// Package profiled runs the work of a case under the CPU profiler.
package profiled

import (
	"log"
	"os"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"
)

// cpuTime is what the process had of the CPU so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Run calls work until it took as much CPU time as CPU says, 2s when it says nothing, and writes cpu.pprof and
// allocs.pprof into the folder OUT.
func Run(work func()) {
	length := 2 * time.Second
	if of := os.Getenv("CPU"); of != "" {
		var err error
		if length, err = time.ParseDuration(of); err != nil {
			log.Fatal(err)
		}
	}
	work()
	cpu := create("cpu.pprof")
	if err := pprof.StartCPUProfile(cpu); err != nil {
		log.Fatal(err)
	}
	for begin := cpuTime(); cpuTime()-begin < length; {
		work()
	}
	pprof.StopCPUProfile()
	finish(cpu)
	allocs := create("allocs.pprof")
	if err := pprof.Lookup("allocs").WriteTo(allocs, 0); err != nil {
		log.Fatal(err)
	}
	finish(allocs)
}

func create(name string) *os.File {
	file, err := os.Create(filepath.Join(os.Getenv("OUT"), name))
	if err != nil {
		log.Fatal(err)
	}
	return file
}

func finish(file *os.File) {
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
