// How often does a text have each word? The analysis that bleve does of each document: its standard analyzer, made
// once, and TokenFrequency with the places of words, as in bleve's own benchmark.
package main

import (
	"fmt"

	"example.com/profiles"
	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/standard"
	"github.com/blevesearch/bleve/v2/registry"
	index "github.com/blevesearch/bleve_index_api"
)

func main() {
	text := profiles.Beside(analysis.TokenFrequency, "..", "README.md")
	analyzer, err := registry.NewCache().AnalyzerNamed(standard.Name)
	profiles.Check(err)
	words := 0
	profiles.Of(func() {
		words = len(analysis.TokenFrequency(analyzer.Analyze(text), nil, index.IncludeTermVectors))
	})
	fmt.Println("words", words)
}
