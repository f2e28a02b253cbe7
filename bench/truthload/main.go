// Truthload grows maps and says itself how many, and to what size: what a recording of it has to say.
//
//	truthload -work slow-fill -for 10s    maps of 5,000 entries filled over half a second each, beside maps of 200
//	                                      filled at once
//	truthload -work growths -shape start -cpu 1s -n 74248
//	                                      so many growths beside so much CPU time of other work: at its start, at its
//	                                      end, in two bursts, or steady
//
// At the end (its own, after -for, or on SIGTERM; maps that are being filled are finished before) it prints a line per
// function and size:
//
//	maps main.fast 200 51000
//
// and of -work growths, where the number is known, `growths 74248`. It is known because maps without a hint and without
// deletions grow at the same entries always: classic maps at the 9th, 14th, 27th, 53rd, Swiss maps at the 9th, 15th,
// 29th, 57th (up to 896 entries, where hashes begin to matter). A map of 57 grows 4 times, one of 9 once.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	slowEntries, fastEntries = 5000, 200
	// Entries of a map that grows 4 times, and of one that grows once.
	fourGrowths, oneGrowth = 57, 9
)

var (
	sink    int
	stopped atomic.Bool
)

//go:noinline
func slow() { // one map, filled evenly over 500 ms: like a per-window counter
	m := map[int]int{}
	for i := 0; i < slowEntries; i++ {
		m[i*7919]++
		if i%50 == 49 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	sink += len(m)
}

//go:noinline
func fast() { // filled at once
	m := map[int]int{}
	for i := 0; i < fastEntries; i++ {
		m[i*31]++
	}
	sink += len(m)
}

func slowFill() {
	nSlow, nFast := 0, 0
	var slows sync.WaitGroup
	slows.Add(1)
	go func() {
		defer slows.Done()
		for ; !stopped.Load(); nSlow++ {
			slow()
		}
	}()
	for !stopped.Load() {
		for i := 0; i < 200; i++ {
			fast()
		}
		nFast += 200
		time.Sleep(2 * time.Millisecond)
	}
	slows.Wait()
	fmt.Println("maps main.slow", slowEntries, nSlow)
	fmt.Println("maps main.fast", fastEntries, nFast)
}

//go:noinline
func fill(entries int) {
	m := map[int]int{}
	for i := 0; i < entries; i++ {
		m[i*31]++
	}
	sink += len(m)
}

// cpu is the CPU time of the process.
func cpu() time.Duration {
	var spent syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 2, uintptr(unsafe.Pointer(&spent)), 0)
	return time.Duration(spent.Nano())
}

var steady = make(map[int]int, 64)

// batch overwrites, which grows nothing.
//
//go:noinline
func batch() {
	for i := 0; i < 2000; i++ {
		steady[i&63] += i
	}
}

// Batches done, and their CPU time when nothing else is going on. Work is paced by what was done, not by a clock: a
// clock would also count what a recorder takes, and the program would do less of it beside one.
var (
	done      int
	batchTime time.Duration
)

func calibrate() {
	const batches = 100
	batchTime = time.Hour
	for round := 0; round < 10; round++ {
		start := cpu()
		for i := 0; i < batches; i++ {
			batch()
		}
		batchTime = min(batchTime, (cpu()-start)/batches)
	}
}

// workUntil overwrites until it has done so much of it.
func workUntil(end time.Duration) {
	for ; time.Duration(done)*batchTime < end; done++ {
		batch()
	}
}

// startsAt says before which CPU time map i of n is not to be filled.
func startsAt(shape string, i, n int, length time.Duration) time.Duration {
	switch shape {
	case "start":
		return 0
	case "end":
		return length
	case "two":
		if i < n/2 {
			return length / 4
		}
		return length * 3 / 4
	case "steady":
		return length * time.Duration(i) / time.Duration(n)
	}
	panic("unknown shape: " + shape)
}

func growths(n int, shape string, length time.Duration) {
	nMaps := n / 4
	calibrate()
	for i := 0; i < nMaps; i++ {
		workUntil(startsAt(shape, i, nMaps, length))
		fill(fourGrowths)
	}
	for i := 0; i < n%4; i++ {
		fill(oneGrowth)
	}
	workUntil(length)
	fmt.Println("maps main.fill", fourGrowths, nMaps)
	fmt.Println("maps main.fill", oneGrowth, n%4)
	fmt.Println("growths", n)
}

func main() {
	kind := flag.String("work", "slow-fill", "slow-fill or growths")
	length := flag.Duration("for", 0, "slow-fill ends after this time; 0 is never")
	n := flag.Int("n", 74248, "growths")
	shape := flag.String("shape", "steady", "when: start, end, two or steady")
	cpuTime := flag.Duration("cpu", time.Second, "CPU time of other work beside the growths")
	flag.Parse()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() { <-signals; stopped.Store(true) }()
	if *length > 0 {
		time.AfterFunc(*length, func() { stopped.Store(true) })
	}
	switch *kind {
	case "slow-fill":
		slowFill()
	case "growths":
		growths(*n, *shape, *cpuTime)
	default:
		panic("unknown work: " + *kind)
	}
}
