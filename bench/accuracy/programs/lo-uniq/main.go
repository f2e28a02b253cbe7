// Which countries do visits come from? Uniq of samber/lo over a million visits and 200 countries. Uniq makes its map
// for as many entries as there are visits.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/samber/lo"
)

const (
	visits    = 1_000_000
	countries = 200
)

func main() {
	random := rand.New(rand.NewSource(1))
	all := make([]uint32, visits)
	for i := range all {
		all[i] = uint32(random.Intn(countries)) * 1009
	}
	distinct := 0
	profiles.Of(func() { distinct += len(lo.Uniq(all)) })
	fmt.Println("distinct", distinct)
}
