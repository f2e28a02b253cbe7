// gonum/graph/community: a map without pointers is made, filled once and ranged over. In classic maps the first range
// allocates a small record (createOverflow): that is no growth, and a hint does not remove it.
package main

import "mapscope.test/cases/profiled"

type ints map[int]struct{}

var total int

//go:noinline
func sum(s ints) int {
	n := 0
	for k := range s {
		n += k
	}
	return n
}

func main() {
	profiled.Run(func() {
		for i := 0; i < 20000; i++ {
			s := make(ints)
			s[i] = struct{}{}
			s[i+1] = struct{}{}
			total += sum(s)
		}
	})
}
