// Markdown to HTML, the benchmark that goldmark brings itself.
package main

import (
	"bytes"
	"fmt"

	"example.com/profiles"
	"github.com/yuin/goldmark"
)

func main() {
	text := profiles.Beside(goldmark.New, "_benchmark", "cmark", "_data.md")
	markdown := goldmark.New()
	var page bytes.Buffer
	profiles.Of(func() {
		page.Reset()
		profiles.Check(markdown.Convert(text, &page))
	})
	fmt.Println("bytes", page.Len())
}
