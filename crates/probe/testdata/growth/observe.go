package main

import (
	"fmt"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// The truth comes from the headers of the maps themselves, read before and after each write. A growth shows in them in
// the write that starts it, whatever it does later.

// isSwiss says which implementation this program was built with.
var isSwiss = minor() >= 24

func minor() (n int) {
	fmt.Sscanf(strings.TrimPrefix(runtime.Version(), "go1."), "%d", &n)
	return n
}

// header is what is looked at of a map. A table is an element of tables; classic maps have none.
type header struct {
	entries int
	buckets unsafe.Pointer
	b       uint8
	tables  []table
}

type table struct {
	at   unsafe.Pointer
	used int
}

func at[T any](p unsafe.Pointer, offset uintptr) T { return *(*T)(unsafe.Add(p, offset)) }

// look reads the header of a map into the memory of an earlier one. The offsets are those of runtime/map.go in Go 1.21
// to 1.23 and internal/runtime/maps/{map,table}.go in Go 1.24 to 1.27.
func (h *header) look(m unsafe.Pointer) {
	h.tables = h.tables[:0]
	h.entries = at[int](m, 0)
	if !isSwiss {
		h.b = at[uint8](m, 9)
		h.buckets = at[unsafe.Pointer](m, 16)
		return
	}
	directory, n := at[unsafe.Pointer](m, 16), at[int](m, 24)
	for i := 0; i < n; i++ {
		t := at[unsafe.Pointer](directory, uintptr(i)*8)
		// A table may fill several places of the directory; it stands at the first.
		if at[int](t, 8) == i {
			h.tables = append(h.tables, table{t, int(at[uint16](t, 0))})
		}
	}
}

// growths says how many growths a write between two looks began, and how many entries they move.
func growths(before, after *header) (grows, moved int) {
	if !isSwiss {
		// A growth replaces the buckets; the first insert into a new map only makes them.
		if before.buckets != nil && before.buckets != after.buckets {
			return 1, before.entries
		}
		return 0, 0
	}
	if len(before.tables) == 0 {
		if len(after.tables) > 0 {
			return 1, before.entries
		}
		return 0, 0
	}
	kept := after.tables
	for _, t := range before.tables {
		i := 0
		for i < len(kept) && kept[i].at != t.at {
			i++
		}
		if i == len(kept) {
			grows++
			moved += t.used
			continue
		}
		// Both are in the order of the directory.
		kept = kept[i+1:]
	}
	return grows, moved
}

// site counts the growths of one map type in one function.
type site struct {
	function, mapType string
	grows, moved      atomic.Int64
}

var (
	sites   []*site
	sitesMu sync.Mutex
)

// newSite registers the function that writes maps of m's type.
func newSite(function string, m any) *site {
	s := &site{function: "main." + function, mapType: fmt.Sprintf("%T", m)}
	sitesMu.Lock()
	sites = append(sites, s)
	sitesMu.Unlock()
	return s
}

// watch looks at one map on behalf of a site.
type watch struct {
	site          *site
	m             unsafe.Pointer
	before, after header
}

// watching keeps the map on the heap, whose addresses do not change. It takes a pointer to a map variable.
func watching(s *site, m unsafe.Pointer) *watch {
	w := &watch{site: s, m: *(*unsafe.Pointer)(m)}
	keep.Store(w)
	w.before.look(w.m)
	return w
}

var keep atomic.Pointer[watch]

// wrote is to be called after each write.
func (w *watch) wrote() {
	w.after.look(w.m)
	if grows, moved := growths(&w.before, &w.after); grows > 0 {
		w.site.grows.Add(int64(grows))
		w.site.moved.Add(int64(moved))
	}
	w.before, w.after = w.after, w.before
}

func printTruth() {
	sort.Slice(sites, func(i, j int) bool {
		a, b := sites[i], sites[j]
		return a.function < b.function || a.function == b.function && a.mapType < b.mapType
	})
	for _, s := range sites {
		fmt.Printf("truth\t%s\t%s\t%d\t%d\n", s.function, s.mapType, s.grows.Load(), s.moved.Load())
	}
}
