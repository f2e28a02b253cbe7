package main

import (
	"fmt"
	"runtime"
)

// A digest is FNV-1a over 64-bit numbers.
type digest uint64

func (d *digest) add(value uint64) { *d = (*d ^ digest(value)) * 0x100000001b3 }

// random is a linear congruential generator; the reader of the lines has the same.
type random uint64

func (r *random) below(n int) int {
	*r = *r*6364136223846793005 + 1442695040888963407
	return int(uint64(*r>>33) % uint64(n))
}

func lockstep(short bool) {
	all := kinds(800)
	for _, k := range append(all[:4:4], all[11]) {
		s := stepper{kind: k}
		s.run("window", 800, 0, s.window)
		s.run("churn", 400, 0, s.churn)
		s.run("churn", 200, 50, s.churn)
		s.run("small", 20, 0, s.small)
		if short {
			break
		}
	}
}

// A stepper does operations and prints what a model needs to follow.
type stepper struct {
	kind
	nKeys  int
	seed   uintptr
	digest digest
	stats  runtime.MemStats
	// Allocated by the map, without what printing allocates.
	bytes, mallocs uint64
}

func (s *stepper) run(what string, nKeys, hint int, do func()) {
	s.nKeys, s.digest, s.bytes, s.mallocs = nKeys, 0, 0, 0
	s.drop()
	fmt.Fprintln(out, s.name(), "begin", what, nKeys, hint)
	s.resume()
	s.make(hint)
	s.printHashes()
	do()
	s.pause()
	w := s.watched()
	fmt.Fprintln(out, s.name(), "end", uint64(s.digest), w.double, w.same, w.small, w.table, w.split,
		w.moved-w.left(), s.bytes, s.mallocs, w.slots())
}

func (s *stepper) resume() { runtime.ReadMemStats(&s.stats) }

func (s *stepper) pause() {
	before := s.stats
	runtime.ReadMemStats(&s.stats)
	s.bytes += s.stats.TotalAlloc - before.TotalAlloc
	s.mallocs += s.stats.Mallocs - before.Mallocs
}

func (s *stepper) printHashes() {
	s.pause()
	fmt.Fprint(out, s.name(), " hashes ")
	for key := 0; key < s.nKeys; key++ {
		fmt.Fprintf(out, "%016x", s.hash(key))
	}
	fmt.Fprintln(out)
	s.seed = s.watched().seed()
	s.resume()
}

// stepped follows an operation. A map that was emptied has a new seed.
func (s *stepper) stepped() {
	s.watched().after()
	s.watched().state(s.digest.add)
	if s.watched().seed() != s.seed {
		s.printHashes()
	}
}

func (s *stepper) do(operation func(int), key int) {
	operation(key)
	s.stepped()
}

// window keeps the last 45 keys, and goes through all keys twice.
func (s *stepper) window() {
	for i := 0; i < 2*s.nKeys; i++ {
		s.do(s.set, i%s.nKeys)
		if i >= 45 {
			s.do(s.delete, (i-45)%s.nKeys)
		}
	}
}

// churn has phases of more insertions and of more deletions.
func (s *stepper) churn() {
	r := random(s.nKeys)
	for i := 0; i < 6000; i++ {
		operation := s.set
		if r.below(10) < 3+i/1000%2*4 {
			operation = s.delete
		}
		s.do(operation, r.below(s.nKeys))
	}
}

// small stays about the first growths, and clears.
func (s *stepper) small() {
	r := random(s.nKeys)
	for i := 0; i < 300; i++ {
		switch choice := r.below(100); {
		case choice == 0:
			s.clear()
			s.stepped()
		case choice < 40:
			s.do(s.delete, r.below(s.nKeys))
		default:
			s.do(s.set, r.below(s.nKeys))
		}
	}
}
