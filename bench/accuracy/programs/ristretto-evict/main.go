// Thumbnails in a cache of ristretto that is full: 200,000 of them, every Set evicts one by comparing samples of a map.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/dgraph-io/ristretto"
)

const cached = 200_000

func main() {
	cache, err := ristretto.NewCache(&ristretto.Config{
		NumCounters: 10 * cached, MaxCost: cached, BufferItems: 64, IgnoreInternalCost: true,
	})
	profiles.Check(err)
	random := rand.New(rand.NewSource(1))
	thumbnail := make([]byte, 16)
	set := func(n int) {
		for i := 0; i < n; i++ {
			cache.Set(random.Uint64(), thumbnail, 1)
			if i%10_000 == 0 {
				cache.Wait()
			}
		}
		cache.Wait()
	}
	set(2 * cached)
	profiles.Of(func() { set(50_000) })
	_, found := cache.Get(uint64(1))
	fmt.Println("found", found)
}
