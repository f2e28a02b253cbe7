package main

import (
	"runtime"
	"strings"
	"unsafe"
)

// hmap is the header of a map up to Go 1.23.
//
// Source: runtime/map.go of Go 1.21 to 1.23.
type hmap struct {
	count      int
	flags      uint8
	b          uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldbuckets unsafe.Pointer
	nevacuate  uintptr
}

const sameSizeGrow = 8

// swissMap is the header of a map from Go 1.24 on, table that of one of its tables.
//
// Source: internal/runtime/maps/map.go, table.go of Go 1.24 to 1.27.
type swissMap struct {
	used   uint64
	seed   uintptr
	dirPtr unsafe.Pointer
	dirLen int
	depth  uint8
}

type table struct {
	used, capacity, growthLeft uint16
	localDepth                 uint8
	index                      int
}

var isSwiss = strings.Compare(runtime.Version(), "go1.24") >= 0 && !strings.Contains(runtime.Version(), "noswissmap")

// watch looks at a map after each operation and counts what has changed.
type watch struct {
	p          unsafe.Pointer
	bucketSize uintptr
	buckets    unsafe.Pointer
	directory  [1 << 13]*table
	dirLen     int

	double, same, small, table, split int
	// moved counts what begun growths move in all.
	moved int
}

func (w *watch) begin(p, mapType unsafe.Pointer) {
	w.forget()
	w.p = p
	if isSwiss {
		m := (*swissMap)(p)
		w.dirLen = m.dirLen
		copy(w.directory[:], tables(m))
		return
	}
	// Source: internal/abi/type.go (MapType) of Go 1.21: BucketSize at 82.
	w.bucketSize = uintptr(*(*uint16)(unsafe.Add(mapType, 82)))
	w.buckets = (*hmap)(p).buckets
}

func (w *watch) forget() {
	w.p, w.buckets, w.dirLen = nil, nil, 0
	w.double, w.same, w.small, w.table, w.split, w.moved = 0, 0, 0, 0, 0, 0
	for i := range w.directory {
		if w.directory[i] == nil {
			break
		}
		w.directory[i] = nil
	}
}

func tables(m *swissMap) []*table {
	if m.dirLen == 0 {
		return nil
	}
	return unsafe.Slice((**table)(m.dirPtr), m.dirLen)
}

func (w *watch) after() {
	if isSwiss {
		w.afterSwiss((*swissMap)(w.p))
	} else {
		w.afterClassic((*hmap)(w.p))
	}
}

func (w *watch) afterClassic(h *hmap) {
	if h.buckets == w.buckets {
		return
	}
	if w.buckets != nil {
		if h.flags&sameSizeGrow != 0 {
			w.same++
		} else {
			w.double++
		}
		w.moved += h.count - 1
	}
	w.buckets = h.buckets
}

func (w *watch) afterSwiss(m *swissMap) {
	now := tables(m)
	if w.dirLen == 0 {
		if m.dirLen > 0 {
			w.small++
			w.moved += 8
			w.dirLen = copy(w.directory[:], now)
		}
		return
	}
	if m.dirLen != w.dirLen {
		times := m.dirLen / w.dirLen
		for i := m.dirLen - 1; i >= 0; i-- {
			w.directory[i] = w.directory[i/times]
		}
		w.dirLen = m.dirLen
	}
	var last *table
	for i, t := range now {
		old := w.directory[i]
		if old == t {
			continue
		}
		if old != last {
			if old.capacity == 1024 {
				w.split++
			} else {
				w.table++
			}
			w.moved += int(old.used)
		}
		last = old
		w.directory[i] = t
	}
}

// left counts entries in old buckets that are not evacuated.
func (w *watch) left() int {
	if isSwiss {
		return 0
	}
	h := (*hmap)(w.p)
	if h.oldbuckets == nil {
		return 0
	}
	nOld := 1 << h.b
	if h.flags&sameSizeGrow == 0 {
		nOld /= 2
	}
	n := 0
	for i := 0; i < nOld; i++ {
		bucket := unsafe.Add(h.oldbuckets, uintptr(i)*w.bucketSize)
		if first := *(*uint8)(bucket); first >= 2 && first <= 4 {
			continue
		}
		for ; bucket != nil; bucket = *(*unsafe.Pointer)(unsafe.Add(bucket, w.bucketSize-8)) {
			for slot := 0; slot < 8; slot++ {
				if *(*uint8)(unsafe.Add(bucket, slot)) >= 5 {
					n++
				}
			}
		}
	}
	return n
}

func (w *watch) slots() int {
	if !isSwiss {
		h := (*hmap)(w.p)
		if h.buckets == nil {
			return 0
		}
		return 8 << h.b
	}
	m := (*swissMap)(w.p)
	if m.dirLen == 0 {
		if m.dirPtr == nil {
			return 0
		}
		return 8
	}
	n := 0
	for i, t := range tables(m) {
		if t.index == i {
			n += int(t.capacity)
		}
	}
	return n
}

func (w *watch) seed() uintptr {
	if isSwiss {
		return (*swissMap)(w.p).seed
	}
	return uintptr((*hmap)(w.p).hash0)
}

// state calls f with all numbers in the map's header.
func (w *watch) state(f func(uint64)) {
	if !isSwiss {
		h := (*hmap)(w.p)
		f(uint64(h.count))
		f(uint64(h.b))
		f(uint64(h.noverflow))
		if h.oldbuckets != nil {
			f(uint64(h.nevacuate))
		}
		return
	}
	m := (*swissMap)(w.p)
	f(m.used)
	if m.dirLen > 0 {
		f(uint64(m.depth))
	}
	for i, t := range tables(m) {
		if t.index == i {
			f(uint64(t.used))
			f(uint64(t.capacity))
			f(uint64(t.growthLeft))
			f(uint64(t.localDepth))
		}
	}
}
