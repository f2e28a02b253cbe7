// Growload does one kind of map work in a loop and says every 100 ms how far it got: a monotonic clock, operations,
// and CPU time of the working thread, all in nanoseconds. An operation is one map assignment; keys are made beforehand,
// so that the map is all there is.
//
//	growload -work tiny    maps of 9 entries: one growth in 9 assignments
//	growload -work grow    nested maps of 48 entries, from scratch: 6 % of assignments grow
//	growload -work mix     1 % of assignments grow
//	growload -work steady  overwrites only
//	growload -work large   maps of 5,000,000 ints, from scratch: of their tables one splits in 450 assignments
//	growload -work bursts  as grow for about a tenth of a second, then as steady for four tenths, without end
//
// With -rounds or -for it ends after so many or so long, and prints the number of rounds and the sum of all elements it
// wrote.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	outer = 1024
	inner = 48

	large      = 5_000_000
	largeStep  = 10_000
	burstMaps  = 8
	overwrites = 4_000_000
)

var (
	outerKeys, innerKeys [outer]string
	operations, cpu      atomic.Uint64
	sum                  uint64
	sink                 any
)

func clock(id uintptr) uint64 {
	var time syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&time)), 0)
	return uint64(time.Nano())
}

func done(n int) {
	operations.Add(uint64(n))
	cpu.Store(clock(3))
}

//go:noinline
func tiny() {
	for i := 0; i < 1000; i++ {
		m := make(map[string]int)
		for _, key := range innerKeys[:9] {
			m[key] += i
		}
		sum += uint64(m[innerKeys[0]] + m[innerKeys[8]])
		sink = m
	}
	done(9000)
}

//go:noinline
func nested() map[string]map[string]int {
	m := make(map[string]map[string]int)
	for _, in := range innerKeys[:inner] {
		for _, out := range &outerKeys {
			entries := m[out]
			if entries == nil {
				entries = make(map[string]int)
				m[out] = entries
			}
			entries[in]++
		}
	}
	return m
}

//go:noinline
func overwrite(m map[string]map[string]int, from, n int) {
	for i := from; i < from+n; i++ {
		m[outerKeys[i%outer]][innerKeys[i/outer%inner]] += i
	}
	sum += uint64(m[outerKeys[from%outer]][innerKeys[from/outer%inner]])
}

func work(kind string) func() {
	switch kind {
	case "tiny":
		return tiny
	case "grow":
		return func() {
			m := nested()
			sum += uint64(len(m) + m[outerKeys[1]][innerKeys[1]])
			sink = m
			done(outer * inner)
		}
	case "large":
		m, at := make(map[int]int), 0
		return func() {
			if at == large {
				m, at = make(map[int]int), 0
			}
			for end := at + largeStep; at < end; at++ {
				m[at] = at
			}
			sum += uint64(m[at-1])
			done(largeStep)
		}
	case "mix":
		m, at := nested(), 0
		return func() {
			for i := 0; i < 100; i++ {
				small := make(map[string]int)
				for _, key := range innerKeys[:9] {
					small[key]++
				}
				sink = small
				overwrite(m, at, 91)
				at += 91
			}
			done(10_000)
		}
	case "steady":
		m, at := nested(), 0
		return func() { overwrite(m, at, 10_000); at += 10_000; done(10_000) }
	case "bursts":
		m, at := nested(), 0
		// Said once per cycle: then every stretch between two lines is of the same mix.
		return func() {
			for i := 0; i < burstMaps; i++ {
				sink = nested()
			}
			overwrite(m, at, overwrites)
			at += overwrites
			done(burstMaps*outer*inner + overwrites)
		}
	}
	panic("unknown work: " + kind)
}

// below calls f under this many more frames.
func below(depth int, f func()) {
	if depth == 0 {
		f()
		return
	}
	below(depth-1, f)
	runtime.KeepAlive(depth)
}

func main() {
	kind := flag.String("work", "grow", "tiny, grow, mix, steady, large or bursts")
	depth := flag.Int("depth", 5, "frames above the work")
	rounds := flag.Int("rounds", 0, "end after so many rounds; 0 is never")
	length := flag.Duration("for", 0, "end after the round in which so much time has passed; 0 is never")
	flag.Parse()
	endless := *rounds == 0 && *length == 0
	for i := range outerKeys {
		outerKeys[i], innerKeys[i] = fmt.Sprint("outer_", i), fmt.Sprint("inner_", i)
	}
	done, ended := 0, make(chan bool)
	go func() {
		runtime.LockOSThread()
		once := work(*kind)
		below(*depth, func() {
			start := time.Now()
			for endless || done < *rounds || time.Since(start) < *length {
				once()
				done++
			}
		})
		close(ended)
	}()
	for endless {
		time.Sleep(100 * time.Millisecond)
		fmt.Println(clock(1), operations.Load(), cpu.Load())
	}
	<-ended
	fmt.Println("rounds", done)
	fmt.Println("sum", sum)
}
