// Sample workload: maps of declared types, with hints that are too small, and maps in a map that never grow.
package main

import "strconv"

type id [16]byte

type total struct {
	n   int64
	sum float64
}

type totals map[id]total

//go:noinline
func fillTotals(n int) totals {
	m := make(totals, 50)
	for i := 0; i < n; i++ {
		m[id{byte(i), byte(i >> 8)}] = total{n: int64(i)}
	}
	return m
}

//go:noinline
func fillFlags(n int) map[string]map[uint32]bool {
	m := map[string]map[uint32]bool{}
	for i := 0; i < n; i++ {
		flags := map[uint32]bool{}
		for bit := 0; bit <= i%3; bit++ {
			flags[uint32(bit)] = true
		}
		m["user_"+strconv.Itoa(i)] = flags
	}
	return m
}

var kept []any

func main() {
	for i := 0; i < 20; i++ {
		kept = append(kept, fillTotals(300))
	}
	kept = append(kept, fillFlags(1000))
}
