// Traceread reads an execution trace with Go's own reader and counts its events, or sums up its ranges by stack.
//
// It imports internal/trace, so bench/trace-vs-go builds it as if it stood in Go's own tree.
package main

import (
	"bufio"
	"fmt"
	"internal/trace"
	"io"
	"log"
	"os"
	"sort"
)

// cause is what happened at which stack.
type cause struct {
	name  string
	stack string
}

// sum is how often and how long, in nanoseconds.
type sum struct {
	n  int64
	ns int64
}

func main() {
	if len(os.Args) != 3 || os.Args[1] != "count" && os.Args[1] != "totals" {
		log.Fatal("usage: traceread count|totals TRACE")
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	reader, err := trace.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		log.Fatal(err)
	}
	totals := newTotals()
	n := 0
	for {
		event, err := reader.ReadEvent()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		n++
		if os.Args[1] == "totals" {
			totals.add(event)
		}
	}
	fmt.Println("events", n)
	totals.print()
}

// open is a range that has begun.
type open struct {
	start trace.Time
	stack trace.Stack
}

type totals struct {
	open map[trace.Range]open
	// Handles of stacks are cheap to compare within a generation, their text is not.
	byHandle map[string]map[trace.Stack]sum
}

func newTotals() *totals {
	return &totals{open: map[trace.Range]open{}, byHandle: map[string]map[trace.Stack]sum{}}
}

func (t *totals) add(event trace.Event) {
	switch event.Kind() {
	case trace.EventRangeBegin, trace.EventRangeActive:
		key := event.Range()
		if _, ok := t.open[key]; !ok {
			t.open[key] = open{event.Time(), event.Stack()}
		}
	case trace.EventRangeEnd:
		key := event.Range()
		began, ok := t.open[key]
		if !ok {
			return
		}
		delete(t.open, key)
		stacks := t.byHandle[key.Name]
		if stacks == nil {
			stacks = map[trace.Stack]sum{}
			t.byHandle[key.Name] = stacks
		}
		s := stacks[began.stack]
		s.n++
		s.ns += int64(event.Time() - began.start)
		stacks[began.stack] = s
	}
}

func (t *totals) print() {
	byText := map[cause]sum{}
	byName := map[string]sum{}
	for name, stacks := range t.byHandle {
		for stack, s := range stacks {
			key := cause{name, stack.String()}
			byText[key] = sum{byText[key].n + s.n, byText[key].ns + s.ns}
			byName[name] = sum{byName[name].n + s.n, byName[name].ns + s.ns}
		}
	}
	var names []string
	for name := range byName {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Printf("%s: %d, %d ns\n", name, byName[name].n, byName[name].ns)
	}
	if len(names) > 0 {
		fmt.Println("stacks", len(byText))
	}
}
