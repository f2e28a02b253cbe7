// golang/go#70617, cue-lang/cue#3981: a map that was large once is cleared and reused for small sets.
package main

import "mapscope.test/cases/profiled"

type node struct{ ids []int32 }

type closer struct{ visited map[int32]bool }

func (c *closer) reach(n *node) int {
	clear(c.visited)
	for _, id := range n.ids {
		c.visited[id] = true
	}
	return len(c.visited)
}

func main() {
	c := &closer{visited: map[int32]bool{}}
	big := &node{}
	for i := int32(0); i < 60000; i++ {
		big.ids = append(big.ids, i)
	}
	var small []*node
	for i := int32(0); i < 400; i++ {
		small = append(small, &node{ids: []int32{i, i + 1, i * 3, i * 7, i + 9}})
	}
	profiled.Run(func() {
		if c.reach(big) != 60000 {
			panic("big")
		}
		for k := 0; k < 20; k++ {
			for _, n := range small {
				c.reach(n)
			}
		}
	})
}
