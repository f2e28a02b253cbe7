package main

import (
	"sort"
	"time"
)

const (
	layoutOuter = 1024
	layoutInner = 16
)

type entry struct {
	key   pair
	value int
}

// layouts holds the same two-level data in several ways. One operation of write-read overwrites an entry and reads it
// back, in random order, with all keys ready.
func layouts() {
	outer, inner := names("outer_", layoutOuter), names("inner_", layoutInner)
	n := layoutOuter * layoutInner
	order := shuffled(n)
	digest := func(i int) (key [32]byte) {
		copy(key[:], outer[i/layoutInner]+"/"+inner[i%layoutInner])
		return key
	}
	digests := make([][32]byte, n)
	for i := range digests {
		digests[i] = digest(i)
	}
	outerDigests := make([][32]byte, layoutOuter)
	for i := range outerDigests {
		copy(outerDigests[i][:], outer[i])
	}

	layout("map[[32]byte]int", n, func() map[[32]byte]int {
		m := map[[32]byte]int{}
		for i, key := range digests {
			m[key] = i
		}
		return m
	}, func(m map[[32]byte]int) (sum int) {
		for _, i := range order {
			m[digests[i]] = i
			sum += m[digests[i]]
		}
		return sum
	})

	nested := func(outerHint, innerHint int) func() map[string]map[string]int {
		return func() map[string]map[string]int {
			m := make(map[string]map[string]int, outerHint)
			for _, a := range outer {
				in := make(map[string]int, innerHint)
				for j, b := range inner {
					in[b] = j
				}
				m[a] = in
			}
			return m
		}
	}
	touchNested := func(m map[string]map[string]int) (sum int) {
		for _, i := range order {
			a, b := outer[i/layoutInner], inner[i%layoutInner]
			m[a][b] = i
			sum += m[a][b]
		}
		return sum
	}
	layout("map[string]map[string]int", n, nested(0, 0), touchNested)
	layout("map[string]map[string]int,presized", n, nested(layoutOuter, layoutInner), touchNested)

	layout("map[[32]byte]map[int]int", n, func() map[[32]byte]map[int]int {
		m := map[[32]byte]map[int]int{}
		for _, a := range outerDigests {
			in := map[int]int{}
			for j := 0; j < layoutInner; j++ {
				in[j] = j
			}
			m[a] = in
		}
		return m
	}, func(m map[[32]byte]map[int]int) (sum int) {
		for _, i := range order {
			a, b := outerDigests[i/layoutInner], i%layoutInner
			m[a][b] = i
			sum += m[a][b]
		}
		return sum
	})

	layout("map[struct]int", n, func() map[pair]int {
		m := map[pair]int{}
		for _, a := range outer {
			for j, b := range inner {
				m[pair{a, b}] = j
			}
		}
		return m
	}, func(m map[pair]int) (sum int) {
		for _, i := range order {
			key := pair{outer[i/layoutInner], inner[i%layoutInner]}
			m[key] = i
			sum += m[key]
		}
		return sum
	})

	layout("sorted_slice", n, func() []entry {
		s := make([]entry, 0, n)
		for _, a := range outer {
			for j, b := range inner {
				s = append(s, entry{pair{a, b}, j})
			}
		}
		sort.Slice(s, func(i, j int) bool { return less(s[i].key, s[j].key) })
		return s
	}, func(s []entry) (sum int) {
		for _, i := range order {
			key := pair{outer[i/layoutInner], inner[i%layoutInner]}
			s[search(s, key)].value = i
			sum += s[search(s, key)].value
		}
		return sum
	})
}

func layout[M any](name string, n int, build func() M, touch func(M) int) {
	perOp("Layouts/"+name+"/build", n, span(100*time.Millisecond), func() { sink = build() })
	sink = nil
	m := held("Layouts/"+name, n, build)
	perOp("Layouts/"+name+"/write-read", n, span(100*time.Millisecond), func() { sink = touch(m) })
}

func less(x, y pair) bool {
	return x.a < y.a || x.a == y.a && x.b < y.b
}

func search(s []entry, key pair) int {
	return sort.Search(len(s), func(i int) bool { return !less(s[i].key, key) })
}
