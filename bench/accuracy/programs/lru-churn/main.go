// Blocks of a file system in a cache that is too small: nearly every access of golang-lru v2 misses, adds a block and
// evicts the oldest of a million.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	cached = 1_000_000
	blocks = 50_000_000
)

type block struct{ offset, length int64 }

func main() {
	cache, err := simplelru.NewLRU[uint64, block](cached, nil)
	profiles.Check(err)
	random := rand.New(rand.NewSource(1))
	for i := 0; i < 2*cached; i++ {
		cache.Add(random.Uint64()%blocks, block{})
	}
	hits := 0
	profiles.Of(func() {
		for i := 0; i < 200_000; i++ {
			key := random.Uint64() % blocks
			if _, ok := cache.Get(key); ok {
				hits++
			} else {
				cache.Add(key, block{int64(key) * 4096, 4096})
			}
		}
	})
	fmt.Println("hits", hits)
}
