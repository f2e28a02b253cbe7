// open-telemetry/opentelemetry-go (attribute.Distinct): aggregations keyed by an interface that holds an array of key and value.
package main

import "mapscope.test/cases/profiled"

type value struct {
	kind int
	num  uint64
	str  string
	obj  any
}
type keyValue struct {
	key string
	val value
}
type distinct struct{ iface any }

type sum struct{ values map[distinct]*int64 }

func (s *sum) add(d distinct, n int64) {
	v, ok := s.values[d]
	if !ok {
		v = new(int64)
		s.values[d] = v
	}
	*v += n
}

func main() {
	s := &sum{values: map[distinct]*int64{}}
	var ds []distinct
	for i := 0; i < 200; i++ {
		ds = append(ds, distinct{[4]keyValue{{"route", value{str: "/item"}}, {"code", value{num: uint64(i)}}, {"host", value{str: "shop"}}, {"scheme", value{str: "https"}}}})
	}
	profiled.Run(func() {
		for k := 0; k < 20; k++ {
			for _, d := range ds {
				s.add(d, 1)
			}
		}
	})
}
