// A cache that was large once: what is left of it is a thousandth, and each walk goes through the room of all.
package main

import (
	"fmt"

	"mapscope.test/cases/profiled"
)

type session struct{ until int }

type cache struct{ sessions map[string]session }

func (c *cache) expired(now int) int {
	n := 0
	for _, s := range c.sessions {
		if s.until < now {
			n++
		}
	}
	return n
}

func main() {
	c := &cache{sessions: map[string]session{}}
	for i := 0; i < 200000; i++ {
		c.sessions[fmt.Sprint("session-", i)] = session{until: i}
	}
	for i := 0; i < 199800; i++ {
		delete(c.sessions, fmt.Sprint("session-", i))
	}
	profiled.Run(func() {
		for i := 0; i < 20; i++ {
			if c.expired(200000) != 200 {
				panic("expired")
			}
		}
	})
}
