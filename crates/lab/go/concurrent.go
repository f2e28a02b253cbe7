package main

import (
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	storeOuter = 1000
	storeInner = 16
	nShards    = 32
)

// store is a two-level map for several goroutines.
type store interface {
	put(a string, b, value int)
	get(a string, b int) int
}

type level = map[string]map[int]int

type mutexStore struct {
	mu sync.Mutex
	m  level
}

func (s *mutexStore) put(a string, b, value int) {
	s.mu.Lock()
	s.m[a][b] = value
	s.mu.Unlock()
}

func (s *mutexStore) get(a string, b int) int {
	s.mu.Lock()
	value := s.m[a][b]
	s.mu.Unlock()
	return value
}

type rwMutexStore struct {
	mu sync.RWMutex
	m  level
}

func (s *rwMutexStore) put(a string, b, value int) {
	s.mu.Lock()
	s.m[a][b] = value
	s.mu.Unlock()
}

func (s *rwMutexStore) get(a string, b int) int {
	s.mu.RLock()
	value := s.m[a][b]
	s.mu.RUnlock()
	return value
}

// locked is an inner map that has its own lock, which a sync.Map around it does not give it.
type locked struct {
	mu sync.RWMutex
	m  map[int]int
}

type syncMapOfMaps struct{ m sync.Map }

func (s *syncMapOfMaps) inner(a string) *locked {
	in, _ := s.m.Load(a)
	return in.(*locked)
}

func (s *syncMapOfMaps) put(a string, b, value int) {
	in := s.inner(a)
	in.mu.Lock()
	in.m[b] = value
	in.mu.Unlock()
}

func (s *syncMapOfMaps) get(a string, b int) int {
	in := s.inner(a)
	in.mu.RLock()
	value := in.m[b]
	in.mu.RUnlock()
	return value
}

type flatKey struct {
	a string
	b int
}

type syncMapFlat struct{ m sync.Map }

func (s *syncMapFlat) put(a string, b, value int) { s.m.Store(flatKey{a, b}, value) }

func (s *syncMapFlat) get(a string, b int) int {
	value, _ := s.m.Load(flatKey{a, b})
	return value.(int)
}

type shard struct {
	mu sync.RWMutex
	m  level
	// Keeps the locks of two shards out of one cache line.
	_ [96]byte
}

type sharded struct {
	seed   maphash.Seed
	shards [nShards]shard
}

func (s *sharded) of(a string) *shard { return &s.shards[maphash.String(s.seed, a)%nShards] }

func (s *sharded) put(a string, b, value int) {
	shard := s.of(a)
	shard.mu.Lock()
	shard.m[a][b] = value
	shard.mu.Unlock()
}

func (s *sharded) get(a string, b int) int {
	shard := s.of(a)
	shard.mu.RLock()
	value := shard.m[a][b]
	shard.mu.RUnlock()
	return value
}

type design struct {
	name  string
	store store
}

// designs are filled stores with the same entries.
func designs(outer []string) []design {
	fill := func(keys []string) level {
		m := level{}
		for _, a := range keys {
			m[a] = map[int]int{}
			for j := 0; j < storeInner; j++ {
				m[a][j] = j
			}
		}
		return m
	}
	ofMaps, flat, shards := &syncMapOfMaps{}, &syncMapFlat{}, &sharded{seed: maphash.MakeSeed()}
	for i := range shards.shards {
		shards.shards[i].m = level{}
	}
	for a, in := range fill(outer) {
		shards.of(a).m[a] = in
	}
	for a, in := range fill(outer) {
		ofMaps.m.Store(a, &locked{m: in})
		for j := range in {
			flat.put(a, j, j)
		}
	}
	return []design{
		{"mutex", &mutexStore{m: fill(outer)}},
		{"rwmutex", &rwMutexStore{m: fill(outer)}},
		{"sync.Map-of-maps", ofMaps},
		{"sync.Map-flat", flat},
		{"shards", shards},
	}
}

// rng is a xorshift generator: cheap, and of no lock.
type rng uint64

func (r *rng) next() uint64 {
	*r ^= *r << 13
	*r ^= *r >> 7
	*r ^= *r << 17
	return uint64(*r)
}

// work does n random operations, writePct percent of them writes.
func work(s store, outer []string, r *rng, n, writePct int) (sum int) {
	for i := 0; i < n; i++ {
		x := r.next()
		a, b := outer[x>>32%storeOuter], int(x>>16%storeInner)
		if int(x%100) < writePct {
			s.put(a, b, i)
		} else {
			sum += s.get(a, b)
		}
	}
	return sum
}

// race lets goroutines call step, which does n operations, as often as they can within a time.
func race(name string, goroutines, n int, step func(r *rng)) {
	var done sync.WaitGroup
	var stop atomic.Bool
	var ops atomic.Int64
	cpu, start := cpuTime(), time.Now()
	for g := 0; g < goroutines; g++ {
		done.Add(1)
		go func(seed uint64) {
			defer done.Done()
			r := rng(seed)
			for !stop.Load() {
				step(&r)
				ops.Add(int64(n))
			}
		}(uint64(g)*0x9E3779B97F4A7C15 + 1)
	}
	time.Sleep(span(80 * time.Millisecond))
	stop.Store(true)
	done.Wait()
	wall, used := time.Since(start), cpuTime()-cpu
	total := ops.Load()
	report(name, int(total),
		figure{float64(total) / wall.Seconds() / 1e6, "Mops/s"},
		figure{float64(used.Nanoseconds()) / float64(total), "cpu-ns/op"})
}

// shards lets goroutines run as fast as they can on each design, over goroutines and share of reads. The control says
// how much a second goroutine adds where nothing is shared: without a free second core no design can win.
func shards() {
	const n = 256
	report("Shards/control/machine", 1, figure{float64(runtime.GOMAXPROCS(0)), "cpus"})
	for _, goroutines := range []int{1, 2} {
		race(fmt.Sprintf("Shards/control/goroutines=%d", goroutines), goroutines, n, func(r *rng) {
			for i := 0; i < 50*n; i++ {
				r.next()
			}
		})
	}
	outer := names("outer_", storeOuter)
	all := designs(outer)
	for _, goroutines := range []int{1, 4, 16} {
		for _, reads := range []int{99, 50, 0} {
			for _, d := range all {
				name := fmt.Sprintf("Shards/goroutines=%d/reads=%d%%/%s", goroutines, reads, d.name)
				race(name, goroutines, n, func(r *rng) { work(d.store, outer, r, n, 100-reads) })
			}
		}
	}
}

// syncMap writes at a given rate per key from 16 goroutines, and reads as often: how much of a core each design takes,
// and which part of the rate it achieves.
func syncMap() {
	const goroutines, tick = 16, 2 * time.Millisecond
	outer := names("outer_", storeOuter)
	for _, d := range designs(outer) {
		for _, rate := range []int{5, 50, 500} {
			perTick := float64(rate*storeOuter) * tick.Seconds() / goroutines
			paced(fmt.Sprintf("SyncMap/writes=%d/s/%s", rate, d.name), goroutines, tick, func(r *rng, debt float64) float64 {
				debt += perTick
				writes := int(debt)
				work(d.store, outer, r, 2*writes, 50)
				return debt - float64(writes)
			})
		}
	}
}

// paced calls step once per tick in each goroutine; step returns what it owes the next tick.
func paced(name string, goroutines int, tick time.Duration, step func(r *rng, debt float64) float64) {
	ticks := int(span(200*time.Millisecond) / tick)
	var done sync.WaitGroup
	cpu, start := cpuTime(), time.Now()
	for g := 0; g < goroutines; g++ {
		done.Add(1)
		go func(seed uint64) {
			defer done.Done()
			r, debt := rng(seed), 0.0
			for i := 1; i <= ticks; i++ {
				time.Sleep(time.Until(start.Add(time.Duration(i) * tick)))
				debt = step(&r, debt)
			}
		}(uint64(g)*0x9E3779B97F4A7C15 + 1)
	}
	done.Wait()
	wall, used := time.Since(start), cpuTime()-cpu
	asked := time.Duration(ticks) * tick
	report(name, ticks,
		figure{100 * used.Seconds() / wall.Seconds(), "core-pct"},
		figure{100 * asked.Seconds() / wall.Seconds(), "achieved-pct"})
}
