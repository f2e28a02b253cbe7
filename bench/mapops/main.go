// mapops times real maps at the work that map-model simulates.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

var sink map[int]int

func main() {
	rounds, _ := strconv.Atoi(os.Args[1])
	report(rounds, "insert/1000000", 1000000, func() { insert(0, 1000000) })
	report(rounds, "insert/1000", 1000*1000, func() { repeat(1000, func() { insert(0, 1000) }) })
	report(rounds, "insert/8", 100000*8, func() { repeat(100000, func() { insert(0, 8) }) })
	report(rounds, "hinted/100000", 100000, func() { insert(100000, 100000) })
	report(rounds, "window/3000", 2*300000, func() { window(3000, 300000) })
	report(rounds, "overwrite/1000", 1000*1000, overwrite)
}

func report(rounds int, name string, ops int, work func()) {
	best := time.Duration(1 << 62)
	for i := 0; i < rounds; i++ {
		start := time.Now()
		work()
		best = min(best, time.Since(start))
	}
	fmt.Printf("%s %.1f\n", name, float64(best.Nanoseconds())/float64(ops))
}

func repeat(times int, work func()) {
	for i := 0; i < times; i++ {
		work()
	}
}

func insert(hint, n int) {
	sink = make(map[int]int, hint)
	m := sink
	for i := 0; i < n; i++ {
		m[i] = i
	}
}

func window(n, total int) {
	sink = make(map[int]int)
	m := sink
	for i := 0; i < total; i++ {
		m[i] = i
		delete(m, i-n)
	}
}

func overwrite() {
	sink = make(map[int]int)
	m := sink
	for i := 0; i < 1000*1000; i++ {
		m[i%1000] = i
	}
}
