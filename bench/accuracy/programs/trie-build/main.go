// A catalogue of 150,000 product names is loaded again and again into the trie of derekparker, whose nodes each have a
// map of children, while the one before is still asked.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/derekparker/trie"
)

const products = 150_000

func main() {
	random := rand.New(rand.NewSource(1))
	words := make([]string, products)
	for i := range words {
		words[i] = word(random, 6+random.Intn(6))
	}
	names := trie.New()
	profiles.Of(func() {
		next := trie.New()
		for _, word := range words {
			next.Add(word, nil)
		}
		names = next
	})
	fmt.Println("found", len(names.PrefixSearch("ab")))
}

func word(random *rand.Rand, length int) string {
	letters := make([]byte, length)
	for i := range letters {
		letters[i] = byte('a' + random.Intn(26))
	}
	return string(letters)
}
