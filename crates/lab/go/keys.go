package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type counter struct {
	name  string
	count int
}

// keyEscape uses the same struct key as it is and as an interface.
func keyEscape() {
	const n = 1024
	typed, boxed := map[counter]int{}, map[any]int{}
	for i := 0; i < n; i++ {
		typed[counter{"requests", i}] = i
		boxed[counter{"requests", i}] = i
	}
	budget := span(150 * time.Millisecond)
	perOp("KeyEscape/struct/assign", n, budget, func() {
		for i := 0; i < n; i++ {
			typed[counter{"requests", i}] = i
		}
	})
	perOp("KeyEscape/interface/assign", n, budget, func() {
		for i := 0; i < n; i++ {
			boxed[counter{"requests", i}] = i
		}
	})
	perOp("KeyEscape/struct/lookup", n, budget, func() {
		sum := 0
		for i := 0; i < n; i++ {
			sum += typed[counter{"requests", i}]
		}
		sink = sum
	})
	perOp("KeyEscape/interface/lookup", n, budget, func() {
		sum := 0
		for i := 0; i < n; i++ {
			sum += boxed[counter{"requests", i}]
		}
		sink = sum
	})
}

// sharingKeys is a power of two.
const sharingKeys = 64

// falseSharing lets two threads work on data of their own that lies in the same cache lines, and apart. The control,
// two counters in one line, shows whether this machine lets two threads run at once and pay for it.
func falseSharing() {
	works := []struct {
		name string
		work [2]func(n int)
	}{
		{"control/one-line", adders(1)},
		{"control/apart", adders(32)},
		{"boxed-keys/one-line", boxedKeys(true)},
		{"boxed-keys/apart", boxedKeys(false)},
		{"pointer-values/one-line", pointerValues(true)},
		{"pointer-values/apart", pointerValues(false)},
	}
	n, rounds := pick(100_000, 50_000), pick(41, 21)
	times := make([][]float64, len(works))
	for round := 0; round < rounds; round++ {
		for i, w := range works {
			times[i] = append(times[i], together(w.work, n))
		}
	}
	for i, w := range works {
		// The two threads do not always run at once; the slowest tenth is where they meet.
		report("FalseSharing/"+w.name, n*rounds,
			figure{median(times[i]), "cpu-ns/op"},
			figure{times[i][len(times[i])*9/10], "p90-cpu-ns/op"})
	}
}

// together runs both halves at once on threads of their own: CPU nanoseconds per operation.
func together(work [2]func(n int), n int) float64 {
	var ready, done sync.WaitGroup
	var start atomic.Bool
	var used [2]time.Duration
	ready.Add(2)
	done.Add(2)
	for half := range work {
		go func(half int) {
			defer done.Done()
			runtime.LockOSThread()
			ready.Done()
			for !start.Load() {
			}
			before := threadTime()
			work[half](n)
			used[half] = threadTime() - before
		}(half)
	}
	ready.Wait()
	start.Store(true)
	done.Wait()
	return float64((used[0] + used[1]).Nanoseconds()) / float64(2*n)
}

// threadTime is the CPU time of this thread.
func threadTime() time.Duration {
	const clockThreadCPU = 3
	var spec syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPU, uintptr(unsafe.Pointer(&spec)), 0)
	if errno != 0 {
		panic(errno)
	}
	return time.Duration(spec.Nano())
}

// adders are two counters, distance words apart.
func adders(distance int) (work [2]func(n int)) {
	words := make([]int64, 128)
	for half := range work {
		word := &words[32+half*distance]
		work[half] = func(n int) {
			for i := 0; i < n; i++ {
				atomic.AddInt64(word, 1)
			}
		}
	}
	return work
}

// dealt calls take for both halves: in turn, so that what it allocates lies side by side, or one half after the other.
func dealt(inTurn bool, take func(half, i int)) {
	for i := 0; i < 2*sharingKeys; i++ {
		if inTurn {
			take(i%2, i/2)
		} else {
			take(i/sharingKeys, i%sharingKeys)
		}
	}
}

func boxedKeys(inTurn bool) (work [2]func(n int)) {
	var keys [2][]any
	dealt(inTurn, func(half, i int) { keys[half] = append(keys[half], counter{"requests", i}) })
	for half := range work {
		m, own := map[any]int{}, keys[half]
		for i, key := range own {
			m[key] = i
		}
		work[half] = func(n int) {
			for i := 0; i < n; i++ {
				m[own[i%sharingKeys]]++
			}
		}
	}
	return work
}

func pointerValues(inTurn bool) (work [2]func(n int)) {
	var values [2][]*int64
	dealt(inTurn, func(half, _ int) { values[half] = append(values[half], new(int64)) })
	for half := range work {
		m := map[int]*int64{}
		for i, value := range values[half] {
			m[i] = value
		}
		work[half] = func(n int) {
			for i := 0; i < n; i++ {
				atomic.AddInt64(m[i%sharingKeys], 1)
			}
		}
	}
	return work
}
