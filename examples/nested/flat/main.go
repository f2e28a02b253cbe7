// Flat counts the same requests as its twin `nested` in one map whose key holds tenant and path.
//
// What it shows: one table instead of thousands of small ones, which is presized from the minute before and so never
// grows again. It pays with a longer key, which is hashed as a whole.
//
//	go run ./flat -cpuprofile cpu.pprof -memprofile allocs.pprof
package main

import "example.com/requests/load"

type key struct{ tenant, path string }

type counter struct {
	requests map[key]int
}

func (c *counter) Add(tenant, path string) {
	c.requests[key{tenant, path}]++
}

func (c *counter) Flush() (counted int) {
	for _, n := range c.requests {
		counted += n
	}
	// The next minute has about as many keys as this one had.
	c.requests = make(map[key]int, len(c.requests))
	return counted
}

func main() {
	load.Main(&counter{requests: make(map[key]int)})
}
