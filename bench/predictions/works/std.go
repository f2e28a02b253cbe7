package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// sizes says how large the maps of the standard library get, which cannot be looked at.
type sizes struct{ entries, maps int }

// openZip opens a file of an archive of Go's sources, for which the reader indexes all names.
func openZip(string) func() any {
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	sources := readSources("")
	for _, source := range sources {
		_, err := writer.Create(strings.TrimPrefix(source.path, "/"))
		check(err)
	}
	check(writer.Close())
	return func() any {
		reader, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
		check(err)
		_, err = reader.Open("none")
		if err == nil {
			panic("there is none")
		}
		return sizes{len(sources), 1}
	}
}

// parsed keeps maps from the stack, where the program as written has room for their first group.
var parsed url.Values

// parseQueries parses form bodies of as many fields as a settings page has.
func parseQueries(string) func() any {
	const fields, times = 60, 3000
	var parts []string
	for i := 0; i < fields; i++ {
		parts = append(parts, fmt.Sprintf("field%d=v%d", i, i*i))
	}
	query := strings.Join(parts, "&")
	return func() any {
		for i := 0; i < times; i++ {
			values, err := url.ParseQuery(query)
			check(err)
			parsed = values
		}
		return sizes{fields, times}
	}
}

// decodeObjects decodes records of 40 fields without a struct for them.
func decodeObjects(string) func() any {
	const fields, records = 40, 3000
	record := map[string]any{}
	for i := 0; i < fields; i++ {
		record[fmt.Sprint("field", i)] = true
	}
	all := make([]any, records)
	for i := range all {
		all[i] = record
	}
	text, err := json.Marshal(all)
	check(err)
	return func() any {
		var decoded any
		check(json.Unmarshal(text, &decoded))
		return sizes{fields, records}
	}
}
