// A cache of rendered pages in front of eight handlers: Get of golang-lru v2, nearly always a hit. Every Get moves an
// entry to the front of a list, so that it takes the lock for writing.
package main

import (
	"fmt"
	"math/rand"
	"sync"

	"example.com/profiles"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	handlers = 8
	pages    = 50_000
)

func main() {
	cache, err := lru.New[string, []byte](pages)
	profiles.Check(err)
	keys := make([]string, pages)
	for i := range keys {
		keys[i] = fmt.Sprintf("/articles/%d/comments?page=%d", i/10, i%10)
		cache.Add(keys[i], make([]byte, 64))
	}
	bytes := make([]int, handlers)
	profiles.OfWaiting(func() {
		var all sync.WaitGroup
		for handler := range handlers {
			all.Go(func() { bytes[handler] += serve(cache, keys, int64(handler)) })
		}
		all.Wait()
	})
	fmt.Println("bytes", bytes)
}

func serve(cache *lru.Cache[string, []byte], keys []string, seed int64) (bytes int) {
	random := rand.New(rand.NewSource(seed))
	for range 100_000 {
		page, _ := cache.Get(keys[random.Intn(len(keys))])
		bytes += len(page)
	}
	return bytes
}
