// Which sessions are active? Eight goroutines add and remove sessions of one thread-safe set of golang-set, as handlers
// of a server do; 100,000 are in it at any time.
package main

import (
	"fmt"
	"math/rand"
	"sync"

	"example.com/profiles"
	mapset "github.com/deckarep/golang-set/v2"
)

const (
	handlers = 8
	sessions = 200_000
)

func main() {
	keys := make([]string, sessions)
	active := mapset.NewSetWithSize[string](sessions)
	for i := range keys {
		keys[i] = fmt.Sprintf("session-%08x", i*2654435761)
		active.Add(keys[i])
	}
	profiles.OfWaiting(func() {
		var all sync.WaitGroup
		for handler := 0; handler < handlers; handler++ {
			all.Add(1)
			go func(seed int64) {
				defer all.Done()
				handle(active, keys, rand.New(rand.NewSource(seed)))
			}(int64(handler))
		}
		all.Wait()
	})
	fmt.Println("active", active.Cardinality())
}

func handle(active mapset.Set[string], keys []string, random *rand.Rand) {
	for i := 0; i < 100_000; i++ {
		key := keys[random.Intn(len(keys))]
		if random.Intn(2) == 0 {
			active.Add(key)
		} else {
			active.Remove(key)
		}
	}
}
