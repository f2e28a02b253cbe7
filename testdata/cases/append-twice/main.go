// prometheus/prometheus, MemPostings: the list of a value is looked up, made longer by a function, and assigned under the same
// key.
package main

import (
	"fmt"

	"mapscope.test/cases/profiled"
)

func longer(list []uint32, id uint32) []uint32 {
	if len(list) == 64 {
		list = list[:0]
	}
	return append(list, id)
}

func add(postings map[string][]uint32, value string, id uint32) {
	list := longer(postings[value], id)
	postings[value] = list
}

func main() {
	var values []string
	for i := 0; i < 5000; i++ {
		values = append(values, fmt.Sprint("value-of-a-label-", i))
	}
	postings := make(map[string][]uint32, len(values))
	profiled.Run(func() {
		for i := 0; i < 50000; i++ {
			add(postings, values[i*7919%len(values)], uint32(i))
		}
	})
}
