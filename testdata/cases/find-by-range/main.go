// ehabterra/apispec#495: one entry is searched by ranging over a map, again and again.
package main

import (
	"strconv"

	"mapscope.test/cases/profiled"
)

type fn struct {
	pkg, name string
	calls     int
}

type index struct{ funcs map[string]*fn }

func (x *index) byName(name string) *fn {
	for _, f := range x.funcs {
		if f.name == name {
			return f
		}
	}
	return nil
}

func main() {
	x := &index{funcs: map[string]*fn{}}
	var names []string
	for i := 0; i < 2000; i++ {
		n := "Handle" + strconv.Itoa(i)
		names = append(names, n)
		x.funcs["app/pkg"+strconv.Itoa(i%40)+"."+n] = &fn{"app/pkg", n, 0}
	}
	profiled.Run(func() {
		for i := 0; i < 200; i++ {
			x.byName(names[i*7%2000]).calls++
		}
	})
}
