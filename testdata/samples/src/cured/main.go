// Sample workload, FLAT version with nothing left to change: the map has room from the start and is used again.
//
//	cured -dir OUT [-d 1500ms] [-g 4] [-trace] [-cpu] [-heap] [-io]
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

type store struct {
	mu sync.Mutex
	m  map[[2]string]int
}

//go:noinline
func (s *store) add(shard, field string, v int) {
	s.mu.Lock()
	s.m[[2]string{shard, field}] += v
	s.mu.Unlock()
}

//go:noinline
func build(ctx context.Context, m map[[2]string]int, keys [][2]string) {
	defer trace.StartRegion(ctx, "build").End()
	clear(m)
	for _, key := range keys {
		m[key]++
	}
}

// keysOf makes the keys once: the flat twin makes them again for every map.
func keysOf(n, seed int) [][2]string {
	keys := make([][2]string, n)
	for i := range keys {
		keys[i] = [2]string{"shard_" + strconv.Itoa((i+seed)%512), "field_" + strconv.Itoa(i/512)}
	}
	return keys
}

//go:noinline
func count(m map[[2]string]int) (n int) {
	return len(m)
}

const entries = 60000

func main() {
	dir := flag.String("dir", ".", "")
	dur := flag.Duration("d", 1500*time.Millisecond, "")
	ng := flag.Int("g", 4, "")
	doTrace := flag.Bool("trace", false, "")
	doCPU := flag.Bool("cpu", false, "")
	doHeap := flag.Bool("heap", false, "")
	doIO := flag.Bool("io", false, "")
	flag.Parse()
	if *doHeap {
		runtime.MemProfileRate = 4096
		runtime.SetMutexProfileFraction(1)
		runtime.SetBlockProfileRate(10000)
	}
	if *doCPU {
		f, _ := os.Create(filepath.Join(*dir, "cpu.pprof"))
		pprof.StartCPUProfile(f)
		defer f.Close()
	}
	if *doTrace {
		f, _ := os.Create(filepath.Join(*dir, "trace.out"))
		trace.Start(f)
		defer f.Close()
	}
	st := &store{m: make(map[[2]string]int, 2000)}
	var io *os.File
	if *doIO {
		io, _ = os.Create(filepath.Join(*dir, "dump.txt"))
	}
	end := time.Now().Add(*dur)
	var wg sync.WaitGroup
	for g := 0; g < *ng; g++ {
		wg.Add(1)
		go func(g int) {
			defer wg.Done()
			ctx, task := trace.NewTask(context.Background(), "worker")
			defer task.End()
			pprof.Do(ctx, pprof.Labels("worker", strconv.Itoa(g)), func(ctx context.Context) {
				keys := keysOf(entries, g*7)
				m := make(map[[2]string]int, entries)
				for j := 0; time.Now().Before(end); j++ {
					build(ctx, m, keys)
					trace.Log(ctx, "entries", strconv.Itoa(count(m)))
					for i := 0; i < 2000; i++ {
						st.add("s"+strconv.Itoa(i%64), "f"+strconv.Itoa(i), 1)
					}
					if io != nil && g == 0 {
						w := bufio.NewWriter(io)
						n := 0
						for k := range m {
							if n++; n > 512 {
								break
							}
							fmt.Fprintln(w, k[0], m[k])
						}
						w.Flush()
						io.Sync()
					}
				}
			})
		}(g)
	}
	wg.Wait()
	if *doTrace {
		trace.Stop()
	}
	if *doCPU {
		pprof.StopCPUProfile()
	}
	if *doHeap {
		for _, p := range []string{"heap", "allocs", "mutex", "block"} {
			f, _ := os.Create(filepath.Join(*dir, p+".pprof"))
			pprof.Lookup(p).WriteTo(f, 0)
			f.Close()
		}
	}
	fmt.Println(runtime.Version(), "cured", count(st.m))
}
