// How similar are the interests of people? Jaccard similarity of all pairs of 300 sets of tags, by Intersect of
// golang-set. Pairs share one tag in twenty.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	mapset "github.com/deckarep/golang-set/v2"
)

const (
	people = 300
	tags   = 40_000
)

func main() {
	random := rand.New(rand.NewSource(1))
	interests := make([]mapset.Set[string], people)
	for i := range interests {
		interests[i] = mapset.NewThreadUnsafeSet[string]()
		for interests[i].Cardinality() < 2000 {
			interests[i].Add(fmt.Sprintf("tag:%05d", random.Intn(tags)))
		}
	}
	var similarity float64
	next := 0
	profiles.Of(func() {
		next = (next + 1) % people
		for _, other := range interests {
			common := interests[next].Intersect(other).Cardinality()
			similarity += float64(common) / float64(4000-common)
		}
	})
	fmt.Println("similarity", similarity)
}
