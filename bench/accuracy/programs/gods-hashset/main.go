// Which events were seen before? Numbers in a HashSet of gods v1, whose items are interfaces; 50,000 distinct ones, so
// that the set soon has them all.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/emirpasic/gods/sets/hashset"
)

const distinct = 50_000

func main() {
	random := rand.New(rand.NewSource(1))
	seen := hashset.New()
	for i := 0; i < distinct; i++ {
		seen.Add(i * 7919)
	}
	again := 0
	profiles.Of(func() {
		for i := 0; i < 100_000; i++ {
			event := random.Intn(2*distinct) * 7919
			if seen.Contains(event) {
				again++
			}
		}
	})
	fmt.Println("seen again", again)
}
