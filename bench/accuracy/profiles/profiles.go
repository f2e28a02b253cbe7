// Package profiles runs the work of a program of bench/accuracy and writes what a user would measure of it into the
// current directory: cpu.pprof of the work alone; heap.pprof and, where asked for, mutex.pprof of the whole program.
package profiles

import (
	"log"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"
)

// Long is how much CPU time is profiled. Half a core-second beside it changes no share by much.
const Long = 5 * time.Second

// Of repeats the work until it has taken Long.
func Of(work func()) {
	of(work, "heap")
}

// OfWaiting does the same and counts every wait for a mutex.
func OfWaiting(work func()) {
	runtime.SetMutexProfileFraction(1)
	of(work, "heap", "mutex")
}

// Beside is a file of a module: the path goes from the directory of the source that a function of it is in.
func Beside(function any, path ...string) []byte {
	pc := reflect.ValueOf(function).Pointer()
	source, _ := runtime.FuncForPC(pc).FileLine(pc)
	content, err := os.ReadFile(filepath.Join(append([]string{filepath.Dir(source)}, path...)...))
	Check(err)
	return content
}

// Check ends the program where there is an error.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func of(work func(), others ...string) {
	file, err := os.Create("cpu.pprof")
	Check(err)
	Check(pprof.StartCPUProfile(file))
	for start := cpuTime(); cpuTime()-start < Long; {
		work()
	}
	pprof.StopCPUProfile()
	Check(file.Close())
	runtime.GC()
	for _, name := range others {
		write(name)
	}
	// What the work holds is live in a program that goes on.
	runtime.KeepAlive(work)
}

func write(name string) {
	file, err := os.Create(name + ".pprof")
	Check(err)
	Check(pprof.Lookup(name).WriteTo(file, 0))
	Check(file.Close())
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	Check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
