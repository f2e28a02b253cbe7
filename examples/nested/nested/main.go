// Nested counts requests per tenant and path in a map of maps, the way such code is usually written.
//
// What it shows: each minute every tenant gets a new inner map, and each of them grows on its own from almost nothing
// to a few dozen paths. Every one is a heap object that the garbage collector marks, and every request hashes twice.
//
//	go run ./nested -cpuprofile cpu.pprof -memprofile allocs.pprof
package main

import "example.com/requests/load"

type counter struct {
	requests map[string]map[string]int
}

// Add has the line that a profile blames: the assignment to the inner map.
func (c *counter) Add(tenant, path string) {
	perPath := c.requests[tenant]
	if perPath == nil {
		perPath = make(map[string]int)
		c.requests[tenant] = perPath
	}
	perPath[path]++
}

func (c *counter) Flush() (counted int) {
	for _, perPath := range c.requests {
		for _, n := range perPath {
			counted += n
		}
	}
	c.requests = make(map[string]map[string]int)
	return counted
}

func main() {
	load.Main(&counter{requests: make(map[string]map[string]int)})
}
