package main

import (
	"fmt"
	"time"
)

// flatten holds the same entries in maps of maps and in one map with a struct key.
func flatten() {
	entries := pick(1<<16, 1<<14)
	for _, size := range []int{2, 8, 16} {
		outer, inner := names("outer_", entries/size), names("inner_", size)
		flattenSize(fmt.Sprintf("Flatten/inner=%d", size), outer, inner)
	}
}

func flattenSize(name string, outer, inner []string) {
	n := len(outer) * len(inner)
	order := shuffled(n)
	budget := span(60 * time.Millisecond)
	buildN := func() map[string]map[string]int { return buildNested(outer, inner, 0, 0) }
	buildF := func() map[pair]int { return buildFlat(outer, inner, 0) }
	perOp(name+"/build/nested", n, budget, func() { sink = buildN() })
	perOp(name+"/build/flat", n, budget, func() { sink = buildF() })
	sink = nil
	nested := held(name+"/nested", n, buildN)
	flat := held(name+"/flat", n, buildF)

	perOp(name+"/random-lookup/nested", n, budget, func() {
		sum := 0
		for _, i := range order {
			sum += nested[outer[i/len(inner)]][inner[i%len(inner)]]
		}
		sink = sum
	})
	perOp(name+"/random-lookup/flat", n, budget, func() {
		sum := 0
		for _, i := range order {
			sum += flat[pair{outer[i/len(inner)], inner[i%len(inner)]}]
		}
		sink = sum
	})
	perOp(name+"/iterate/nested", n, budget, func() {
		sum := 0
		for _, in := range nested {
			for _, value := range in {
				sum += value
			}
		}
		sink = sum
	})
	perOp(name+"/iterate/flat", n, budget, func() {
		sum := 0
		for _, value := range flat {
			sum += value
		}
		sink = sum
	})
	perOp(name+"/sum-one-outer-key/nested", len(outer), budget, func() {
		sum := 0
		for _, a := range outer {
			for _, value := range nested[a] {
				sum += value
			}
		}
		sink = sum
	})
	perOp(name+"/sum-one-outer-key/flat", 1, budget, func() {
		sum := 0
		for key, value := range flat {
			if key.a == outer[0] {
				sum += value
			}
		}
		sink = sum
	})
}
