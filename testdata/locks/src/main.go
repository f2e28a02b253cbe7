// Command locked writes profiles of goroutines that count into one nested map behind one mutex, or, with -own, each into
// a map of its own.
//
//	locked -o DIR [-own] [-d 500ms] [-trace 60ms]
package main

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

type counts struct {
	mu     sync.Mutex
	byUser map[string]map[string]int
}

func (c *counts) add(user, event string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.byUser[user]
	if events == nil {
		events = make(map[string]int)
		c.byUser[user] = events
	}
	events[event]++
}

var users, events [64]string

// count adds events until the time is over, in n goroutines, and returns how many.
func count(n int, own bool, d time.Duration) int {
	shared := &counts{byUser: make(map[string]map[string]int)}
	done := make(chan struct{})
	time.AfterFunc(d, func() { close(done) })
	sums := make([]int, n)
	var wait sync.WaitGroup
	for g := 0; g < n; g++ {
		wait.Add(1)
		go func(g int) {
			defer wait.Done()
			target := shared
			if own {
				target = &counts{byUser: make(map[string]map[string]int)}
			}
			for i := g; ; i++ {
				if i%64 == 0 {
					select {
					case <-done:
						return
					default:
					}
				}
				target.add(users[i*7%64], events[i%64])
				sums[g]++
			}
		}(g)
	}
	wait.Wait()
	all := 0
	for _, sum := range sums {
		all += sum
	}
	return all
}

func write(path string, profile func(f *os.File) error) {
	f, err := os.Create(path)
	if err == nil {
		err = profile(f)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		panic(err)
	}
}

func main() {
	out := flag.String("o", ".", "directory for the profiles")
	own := flag.Bool("own", false, "a map for each goroutine")
	d := flag.Duration("d", 500*time.Millisecond, "time profiled")
	traced := flag.Duration("trace", 60*time.Millisecond, "time traced")
	n := flag.Int("g", 8, "goroutines")
	flag.Parse()
	for i := range users {
		users[i], events[i] = "user-"+strconv.Itoa(i), "event-"+strconv.Itoa(i)
	}
	write(filepath.Join(*out, "cpu.pprof"), func(f *os.File) error {
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		count(*n, *own, *d)
		pprof.StopCPUProfile()
		return nil
	})
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	count(*n, *own, *d)
	for _, name := range []string{"mutex", "block"} {
		write(filepath.Join(*out, name+".pprof"), func(f *os.File) error {
			return pprof.Lookup(name).WriteTo(f, 0)
		})
	}
	runtime.SetMutexProfileFraction(0)
	runtime.SetBlockProfileRate(0)
	write(filepath.Join(*out, "trace.out"), func(f *os.File) error {
		if err := trace.Start(f); err != nil {
			return err
		}
		count(*n, *own, *traced)
		trace.Stop()
		return nil
	})
}
