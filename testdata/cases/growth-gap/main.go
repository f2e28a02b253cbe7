// A map that is overwritten nine times for each time it grows: growth is between a tenth and a quarter of the line.
package main

import "mapscope.test/cases/profiled"

var seed uint64 = 1

func next() uint64 {
	seed ^= seed << 13
	seed ^= seed >> 7
	seed ^= seed << 17
	return seed
}

func fill(m map[uint64]uint64, n int) {
	for i := 0; i < n; i++ {
		m[next()%20000]++
	}
}

func main() {
	profiled.Run(func() {
		m := map[uint64]uint64{}
		fill(m, 220000)
		if len(m) == 0 {
			panic("empty")
		}
	})
}
