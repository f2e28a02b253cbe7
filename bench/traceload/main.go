// Traceload writes an execution trace of at least a given size: goroutines that hand values over, share a lock, fill
// nested maps under a tight garbage collector, and annotate what they do.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

func main() {
	out := flag.String("o", "trace.out", "where to write the trace")
	megabytes := flag.Int64("mb", 120, "how large it has to be")
	flag.Parse()
	runtime.GOMAXPROCS(4)
	debug.SetGCPercent(60)
	file, err := os.Create(*out)
	if err != nil {
		log.Fatal(err)
	}
	if err := trace.Start(file); err != nil {
		log.Fatal(err)
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	relay(stop, &all)
	contend(stop, &all)
	grow(stop, &all)
	for {
		time.Sleep(100 * time.Millisecond)
		if info, err := file.Stat(); err != nil || info.Size() >= *megabytes<<20 {
			break
		}
	}
	close(stop)
	all.Wait()
	trace.Stop()
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}

func start(n int, stop chan struct{}, all *sync.WaitGroup, step func(worker, round int)) {
	for worker := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
					step(worker, round)
				}
			}
		}()
	}
}

// relay passes values from half of the goroutines to the other half.
func relay(stop chan struct{}, all *sync.WaitGroup) {
	values := make(chan int)
	start(100, stop, all, func(worker, round int) {
		if worker%2 == 0 {
			select {
			case values <- round:
			case <-stop:
			}
			return
		}
		select {
		case <-values:
		case <-stop:
		}
	})
}

// contend shares one map behind one lock.
func contend(stop chan struct{}, all *sync.WaitGroup) {
	var lock sync.Mutex
	counts := map[int]int{}
	start(50, stop, all, func(worker, round int) {
		lock.Lock()
		counts[(worker*7+round)%50_000]++
		lock.Unlock()
		runtime.Gosched()
	})
}

// grow fills nested maps and throws them away.
func grow(stop chan struct{}, all *sync.WaitGroup) {
	ctx, task := trace.NewTask(context.Background(), "grow")
	start(20, stop, all, func(worker, round int) {
		defer trace.StartRegion(ctx, "fill").End()
		outer := map[string]map[string]int{}
		for i := range 400 {
			key := "shard_" + strconv.Itoa((i+worker)%64)
			if outer[key] == nil {
				outer[key] = map[string]int{}
			}
			outer[key]["field_"+strconv.Itoa(i)] += round
		}
		if round%64 == 0 {
			trace.Log(ctx, "round", strconv.Itoa(round))
		}
	})
	task.End()
}
