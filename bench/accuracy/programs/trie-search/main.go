// Completion of product names: 300,000 of them in the trie of derekparker, whose nodes each have a map of children.
// Each search walks all nodes below a prefix.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/derekparker/trie"
)

const products = 300_000

func main() {
	random := rand.New(rand.NewSource(1))
	names := trie.New()
	for range products {
		names.Add(word(random, 6+random.Intn(6)), nil)
	}
	found := 0
	profiles.Of(func() {
		for range 1000 {
			found += len(names.PrefixSearch(word(random, 3)))
		}
	})
	fmt.Println("found", found)
}

func word(random *rand.Rand, length int) string {
	letters := make([]byte, length)
	for i := range letters {
		letters[i] = byte('a' + random.Intn(26))
	}
	return string(letters)
}
