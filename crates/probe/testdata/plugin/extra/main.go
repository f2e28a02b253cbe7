// Extra is a plugin that fills maps.
package main

var Sink int

func Fill() {
	m := map[int]int{}
	for i := 0; i < 100; i++ {
		m[i] = i
	}
	Sink += len(m)
}

func main() {}
