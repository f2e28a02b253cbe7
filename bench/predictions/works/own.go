package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

// A file of Go's own sources.
type source struct{ path, text string }

func readSources(dirs ...string) []source {
	var sources []source
	for _, dir := range dirs {
		check(filepath.WalkDir(filepath.Join(runtime.GOROOT(), "src", dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			sources = append(sources, source{path, string(text)})
			return err
		}))
	}
	return sources
}

type pair struct{ outer, inner string }

func wordsOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' })
}

// readWords pairs each file with each of its words: how often is a word in a file?
func readWords() []pair {
	var pairs []pair
	for _, source := range readSources("net", "go", "crypto") {
		for _, word := range wordsOf(source.text) {
			pairs = append(pairs, pair{source.path, word})
		}
	}
	return pairs
}

// readBigrams pairs each word with the next: what follows a word?
func readBigrams() []pair {
	var pairs []pair
	for _, source := range readSources("net", "go") {
		words := wordsOf(source.text)
		for i := 1; i < len(words); i++ {
			pairs = append(pairs, pair{words[i-1], words[i]})
		}
	}
	return pairs
}

// nested counts pairs in maps of maps, or rewritten. Hints are the sizes of an earlier count, one for each pair, so that to
// look them up costs nothing.
func nested(read func() []pair) work {
	return func(rewrite string) func() any {
		pairs := read()
		earlier := fillNested(pairs)
		nFlat := 0
		for _, inner := range earlier {
			nFlat += len(inner)
		}
		switch rewrite {
		case "presize":
			hints := make([]int, len(pairs))
			for i, p := range pairs {
				hints[i] = len(earlier[p.outer])
			}
			n := len(earlier)
			return func() any { return fillPresized(pairs, hints, n) }
		case "flatten":
			return func() any { return fillFlat(pairs, 0) }
		case "both":
			return func() any { return fillFlat(pairs, nFlat) }
		}
		return func() any { return fillNested(pairs) }
	}
}

func fillNested(pairs []pair) map[string]map[string]int {
	m := make(map[string]map[string]int)
	for _, p := range pairs {
		inner := m[p.outer]
		if inner == nil {
			inner = make(map[string]int)
			m[p.outer] = inner
		}
		inner[p.inner]++
	}
	return m
}

func fillPresized(pairs []pair, hints []int, n int) map[string]map[string]int {
	m := make(map[string]map[string]int, n)
	for i, p := range pairs {
		inner := m[p.outer]
		if inner == nil {
			inner = make(map[string]int, hints[i])
			m[p.outer] = inner
		}
		inner[p.inner]++
	}
	return m
}

func fillFlat(pairs []pair, hint int) map[pair]int {
	m := make(map[pair]int, hint)
	for _, p := range pairs {
		m[p]++
	}
	return m
}

type gram struct {
	text uint32
	file int32
}

// trigrams counts the three-byte pieces of each file, as an index for text search does.
func trigrams(rewrite string) func() any {
	var grams []gram
	for i, source := range readSources("net", "go/types") {
		text := source.text[:min(len(source.text), 6000)]
		for at := 2; at < len(text); at++ {
			piece := uint32(text[at-2])<<16 | uint32(text[at-1])<<8 | uint32(text[at])
			grams = append(grams, gram{piece, int32(i)})
		}
	}
	earlier := fillGrams(grams)
	nFlat := 0
	for _, files := range earlier {
		nFlat += len(files)
	}
	switch rewrite {
	case "presize":
		hints := make([]int, len(grams))
		for i, g := range grams {
			hints[i] = len(earlier[g.text])
		}
		n := len(earlier)
		return func() any { return fillGramsPresized(grams, hints, n) }
	case "flatten":
		return func() any { return fillGramsFlat(grams, 0) }
	case "both":
		return func() any { return fillGramsFlat(grams, nFlat) }
	}
	return func() any { return fillGrams(grams) }
}

func fillGrams(grams []gram) map[uint32]map[int32]int32 {
	m := make(map[uint32]map[int32]int32)
	for _, g := range grams {
		files := m[g.text]
		if files == nil {
			files = make(map[int32]int32)
			m[g.text] = files
		}
		files[g.file]++
	}
	return m
}

func fillGramsPresized(grams []gram, hints []int, n int) map[uint32]map[int32]int32 {
	m := make(map[uint32]map[int32]int32, n)
	for i, g := range grams {
		files := m[g.text]
		if files == nil {
			files = make(map[int32]int32, hints[i])
			m[g.text] = files
		}
		files[g.file]++
	}
	return m
}

func fillGramsFlat(grams []gram, hint int) map[gram]int32 {
	m := make(map[gram]int32, hint)
	for _, g := range grams {
		m[g]++
	}
	return m
}
