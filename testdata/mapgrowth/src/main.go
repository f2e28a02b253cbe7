// mapgrowth prints what real maps do: how often they grow, what moves, what they allocate.
//
//	mapgrowth grid      a map for each n and hint: n insertions
//	mapgrowth sizes     a map for each n to 2,000 and hint, of all types: totals of 100 sizes
//	mapgrowth runs      the same sizes again and again, and sequences with deletions; the seed of a map is random
//	mapgrowth large     a million insertions
//	mapgrowth held      what a map holds after a collection
//	mapgrowth lockstep  the hashes of all keys, and a digest of the map's state after each operation
//
// With a second argument only a small part of that. ../README.md describes the lines.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

var out = bufio.NewWriter(os.Stdout)

func main() {
	debug.SetGCPercent(-1)
	defer out.Flush()
	short := len(os.Args) > 2
	fmt.Fprintln(out, "version", runtime.Version())
	switch os.Args[1] {
	case "grid":
		grid(short)
	case "sizes":
		sizes(short)
	case "runs":
		runs(short)
	case "large":
		large()
	case "held":
		held()
	case "lockstep":
		lockstep(short)
	}
}

// A kind is a map type with its operations on numbered keys.
type kind interface {
	// name is the type in Go's spelling.
	name() string
	// make replaces the map.
	make(hint int)
	set(key int)
	delete(key int)
	clear()
	// drop forgets the map.
	drop()
	watched() *watch
	// hash is that of the key with the map's present seed.
	hash(key int) uint64
	// maxKeys is how many different keys there are.
	maxKeys() int
}

type array3 = [3]int
type boxed = [17]int64

func kinds(nKeys int) []kind {
	return []kind{
		stringInt(nKeys),
		intInt(nKeys),
		newKind[array3, int](nKeys, func(i int) array3 { return array3{i, i, i} }),
		newKind[*int, int](nKeys, func(i int) *int { return new(int) }),
		newKind[int32, bool](nKeys, func(i int) int32 { return int32(i) }),
		newKind[uint8, struct{}](min(nKeys, 256), func(i int) uint8 { return uint8(i) }),
		newKind[string, struct{}](nKeys, text),
		newKind[string, map[string]int](nKeys, text),
		newKind[[2]string, int](nKeys, func(i int) [2]string { return [2]string{text(i / 10), text(i % 10)} }),
		newKind[int, [3]string](nKeys, func(i int) int { return i }),
		newKind[int, boxed](nKeys, func(i int) int { return i }),
		newKind[boxed, string](nKeys, func(i int) boxed { return boxed{int64(i)} }),
	}
}

func stringInt(nKeys int) kind { return newKind[string, int](nKeys, text) }
func intInt(nKeys int) kind    { return newKind[int, int](nKeys, func(i int) int { return i }) }

func text(i int) string { return fmt.Sprint("key", i) }

func grid(short bool) {
	for i, k := range kinds(20000) {
		k.make(0)
		for n := 1; n <= min(2000, k.maxKeys()); n++ {
			// Two types at all sizes, the others and short runs where something changes, and between.
			if (i < 2 && !short) || n <= 130 || n%97 < 2 {
				insertions(k, n)
			}
		}
		for _, n := range []int{5000, 10000} {
			if n <= k.maxKeys() && !short {
				insertions(k, n)
			}
		}
	}
}

func insertions(k kind, n int) {
	for _, hint := range hints(n) {
		report(k, "insert", n, hint, func() { insert(k, 0, n) })
	}
}

func hints(n int) []int { return []int{0, n / 2, n, 2 * n} }

func insert(k kind, from, to int) {
	for i := from; i < to; i++ {
		k.set(i)
		k.watched().after()
	}
}

func remove(k kind, from, to int) {
	for i := from; i < to; i++ {
		k.delete(i)
		k.watched().after()
	}
}

func runs(short bool) {
	times := 60
	if short {
		times = 3
	}
	for _, k := range []kind{stringInt(100000), intInt(100000)} {
		k.make(0)
		for _, n := range []int{13, 14, 30, 60, 110, 230, 450, 897, 1000, 1793, 2000, 3700, 10000} {
			for _, hint := range hints(n) {
				for i := 0; i < times; i++ {
					report(k, "insert", n, hint, func() { insert(k, 0, n) })
				}
			}
			runtime.GC()
		}
		for i := 0; i < times/3; i++ {
			for _, hint := range hints(100000) {
				report(k, "insert", 100000, hint, func() { insert(k, 0, 100000) })
			}
			runtime.GC()
		}
		for _, n := range []int{40, 300, 3000} {
			for i := 0; i < times; i++ {
				report(k, "refill", n, 0, func() { insert(k, 0, n); remove(k, 0, n); insert(k, n, 2*n) })
				report(k, "exchange", n, 0, func() { insert(k, 0, n); remove(k, 0, n/2); insert(k, n, 2*n) })
				report(k, "clear", n, n, func() { insert(k, 0, n); k.clear(); insert(k, n, 2*n) })
				report(k, "window", n, 0, func() { window(k, n) })
			}
			runtime.GC()
		}
	}
}

// window keeps the last n of 5n keys.
func window(k kind, n int) {
	insert(k, 0, n)
	for i := n; i < 5*n; i++ {
		insert(k, i, i+1)
		remove(k, i-n, i-n+1)
	}
}

func large() {
	const n = 1000000
	for _, k := range []kind{stringInt(n), intInt(n)} {
		k.make(0)
		for _, hint := range hints(n) {
			for i := 0; i < 2; i++ {
				report(k, "insert", n, hint, func() { insert(k, 0, n) })
				runtime.GC()
			}
		}
	}
}

// report makes a map, does something with it, and prints a line.
func report(k kind, what string, n, hint int, do func()) {
	fmt.Fprint(out, k.name(), " ", what, " ", n, " ", hint)
	for _, number := range measure(k, hint, do) {
		fmt.Fprint(out, " ", number)
	}
	fmt.Fprintln(out)
}

// numbers are growths by kind, entries moved, bytes and objects allocated, and slots.
type numbers [9]uint64

const allocatedBytes, allocations, slots = 6, 7, 8

func measure(k kind, hint int, do func()) numbers {
	var before, after runtime.MemStats
	k.drop()
	runtime.ReadMemStats(&before)
	k.make(hint)
	do()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > 500<<20 {
		runtime.GC()
	}
	w := k.watched()
	return numbers{uint64(w.double), uint64(w.same), uint64(w.small), uint64(w.table), uint64(w.split),
		uint64(w.moved - w.left()), after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs, uint64(w.slots())}
}

// sizes prints, for each 100 sizes, a digest of the numbers that hashing does not decide, and the totals of all.
func sizes(short bool) {
	for _, k := range kinds(2000) {
		k.make(0)
		for way := range hints(0) {
			for from := 1; from <= k.maxKeys(); from += 100 {
				if !short || from == 801 {
					block(k, way, from, min(from+99, k.maxKeys()))
				}
			}
		}
	}
}

func block(k kind, way, from, to int) {
	var exact digest
	var begun uint64
	var totals numbers
	for n := from; n <= to; n++ {
		fill := func() { insert(k, 0, n) }
		of := measure(k, hints(n)[way], fill)
		isExact := isSwiss && n <= 896
		if isExact {
			// The runtime allocates for itself now and then.
			again := measure(k, hints(n)[way], fill)
			of[allocatedBytes] = min(of[allocatedBytes], again[allocatedBytes])
			of[allocations] = min(of[allocations], again[allocations])
		}
		for i, number := range of {
			totals[i] += number
			if isExact || !isSwiss && (i < 5 || i == slots) {
				exact.add(number)
			}
		}
		begun += uint64(k.watched().moved)
		if isExact || !isSwiss {
			exact.add(uint64(k.watched().moved))
		}
	}
	fmt.Fprint(out, k.name(), " sizes ", from, " ", to, " ", way, " ", uint64(exact), " ", begun)
	for _, total := range totals {
		fmt.Fprint(out, " ", total)
	}
	fmt.Fprintln(out)
}

func held() {
	// The first collections also leave what printing has kept for reuse.
	afterCollection()
	afterCollection()
	for _, k := range kinds(5000) {
		k.make(0)
		for _, n := range []int{0, 1, 8, 9, 13, 14, 15, 28, 29, 54, 100, 230, 450, 897, 1000, 5000} {
			if n > k.maxKeys() {
				continue
			}
			k.drop()
			without := afterCollection()
			k.make(0)
			insert(k, 0, n)
			with := afterCollection()
			fmt.Fprintln(out, k.name(), "held", n, 0, with-without)
		}
	}
}

func afterCollection() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
