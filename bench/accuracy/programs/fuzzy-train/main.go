// A spelling corrector learns 15,000 words: Train of sajari/fuzzy keeps for each word all strings that it becomes
// without one or two letters.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/sajari/fuzzy"
)

const words = 15_000

func main() {
	random := rand.New(rand.NewSource(1))
	dictionary := make([]string, words)
	for i := range dictionary {
		dictionary[i] = word(random)
	}
	var model *fuzzy.Model
	profiles.Of(func() {
		model = fuzzy.NewModel()
		model.SetThreshold(1)
		model.SetUseAutocomplete(false)
		model.Train(dictionary)
	})
	fmt.Println("keys", len(model.Suggest))
}

func word(random *rand.Rand) (word string) {
	for len(word) < 6+random.Intn(4) {
		word += string("bcdfghklmnprst"[random.Intn(14)]) + string("aeiou"[random.Intn(5)])
	}
	return word
}
