package main

import "runtime/debug"

const cacheInner = 8

// cacheMisses builds a map and looks entries up in random order. Whoever counts subtracts a run without lookups.
func cacheMisses(layout string, n int) {
	debug.SetGCPercent(-1)
	outer, inner := names("outer_", pick(2048, 512)), names("inner_", cacheInner)
	flat, nested := map[pair]int{}, map[string]map[string]int{}
	for _, a := range outer {
		in := map[string]int{}
		for j, b := range inner {
			if layout == "flat" {
				flat[pair{a, b}] = j
			} else {
				in[b] = j
			}
		}
		if layout != "flat" {
			nested[a] = in
		}
	}
	order, sum := shuffled(len(outer)*cacheInner), 0
	for i := 0; i < n; i++ {
		at := order[i%len(order)]
		a, b := outer[at/cacheInner], inner[at%cacheInner]
		if layout == "flat" {
			sum += flat[pair{a, b}]
		} else {
			sum += nested[a][b]
		}
	}
	sink = sum
}
