// Parts of speech of a book: prose with tagging alone, and its model loaded once, on the text of its own tests.
package main

import (
	"fmt"

	"example.com/profiles"
	"github.com/jdkato/prose/v2"
)

func main() {
	text := string(profiles.Beside(prose.NewDocument, "testdata", "sherlock.txt"))
	first, err := prose.NewDocument("Once.", prose.WithSegmentation(false), prose.WithExtraction(false))
	profiles.Check(err)
	tokens := 0
	profiles.Of(func() {
		document, err := prose.NewDocument(text, prose.WithSegmentation(false), prose.WithExtraction(false),
			prose.UsingModel(first.Model))
		profiles.Check(err)
		tokens = len(document.Tokens())
	})
	fmt.Println("tokens", tokens)
}
