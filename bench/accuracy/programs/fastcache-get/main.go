// A cache of 6 million short records in fastcache, read at random: far more than the caches of a processor hold.
package main

import (
	"encoding/binary"
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/VictoriaMetrics/fastcache"
)

const records = 6_000_000

func main() {
	cache := fastcache.New(512 << 20)
	var key [12]byte
	for i := range records {
		cache.Set(keyOf(&key, i), key[:8])
	}
	random := rand.New(rand.NewSource(1))
	var found []byte
	bytes := 0
	profiles.Of(func() {
		for range 100_000 {
			found = cache.Get(found[:0], keyOf(&key, random.Intn(records)))
			bytes += len(found)
		}
	})
	fmt.Println("bytes", bytes)
}

func keyOf(key *[12]byte, i int) []byte {
	binary.LittleEndian.PutUint64(key[:], uint64(i))
	return key[:]
}
