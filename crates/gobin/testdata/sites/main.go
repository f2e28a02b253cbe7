// Program sites writes to maps in every way the compiler treats differently.
//
// A comment "//map:" at the end of a line names the map calls that the line compiles to, as
// "operation type", separated by "&". A "?" before the types says that the code is generic: the
// site must be unknown or have one of the types. Calls that carry no type are not named.
package main

import (
	"fmt"
	"maps"
	"os"
	"strings"
)

type point struct{ x, y int }
type name string
type inner struct{ byName map[string]int }
type counter struct {
	hits  map[string]int
	links map[point][]string
}
type shape interface{ area() float64 }
type square float64

func (s square) area() float64 { return float64(s) }

var (
	sink    any
	globals = map[string]map[string]int{}
	table   map[int64]string
)

//go:noinline
func fast32(m map[int32]int, k int32) {
	m[k] = 1     //map: assign map[int32]int
	m[k+1]++     //map: assign map[int32]int
	delete(m, k) //map: delete map[int32]int
}

//go:noinline
func fast64(m map[int64]string, n map[uint64]bool, k int64) {
	m[k] = "a"                //map: assign map[int64]string
	n[uint64(k)] = m[k] != "" //map: read map[int64]string & assign map[uint64]bool
	delete(n, 3)              //map: delete map[uint64]bool
}

//go:noinline
func pointers(m map[*point]int, c map[chan int]string, p *point, ch chan int) {
	m[p] = 2       //map: assign map[*main.point]int
	c[ch] = "open" //map: assign map[chan int]string
	delete(m, p)   //map: delete map[*main.point]int
}

//go:noinline
func strings1(m map[string]int, n map[name][]byte, words []string) {
	for _, w := range words {
		m[w]++                                //map: assign map[string]int
		m[w] += len(w)                        //map: assign map[string]int
		n[name(w)] = append(n[name(w)], w...) //map: assign map[main.name][]uint8
	}
	delete(m, words[0]) //map: delete map[string]int
}

//go:noinline
func slow(m map[point]int, f map[float64]int, a map[any]int, s map[shape]string, arr map[[3]int]bool, p point) {
	m[p] = 1                //map: assign map[main.point]int
	m[p]++                  //map: assign map[main.point]int
	f[1.5] = 2              //map: assign map[float64]int
	a[p.x] = 3              //map: assign map[interface {}]int
	s[square(p.x)] = ""     //map: assign map[main.shape]string
	arr[[3]int{p.x}] = true //map: assign map[[3]int]bool
	delete(m, p)            //map: delete map[main.point]int
	delete(a, "x")          //map: delete map[interface {}]int
}

//go:noinline
func nested(m map[string]map[string]int, deep map[int]map[string]map[point]bool, a, b string) {
	m[a][b] = 1    //map: read map[string]map[string]int & assign map[string]int
	m[a][b]++      //map: read map[string]map[string]int & assign map[string]int
	in, ok := m[b] //map: read map[string]map[string]int
	if !ok {
		in = make(map[string]int)
		m[b] = in //map: assign map[string]map[string]int
	}
	in[a] = 7                      //map: assign map[string]int
	deep[1][a][point{1, 2}] = true //map: read map[int]map[string]map[main.point]bool & read map[string]map[main.point]bool & assign map[main.point]bool
}

//go:noinline
func held(m map[string]map[string]int, words []string) {
	filled := make(map[string]int)
	for i, w := range words {
		filled[w] = i //map: assign map[string]int
	}
	m["filled"] = filled //map: assign map[string]map[string]int
	for _, w := range words {
		in := m[w] //map: read map[string]map[string]int
		if in == nil {
			in = make(map[string]int)
			m[w] = in //map: assign map[string]map[string]int
		}
		in[w]++       //map: assign map[string]int
		delete(in, w) //map: delete map[string]int
		m[w]["x"] = 1 //map: read map[string]map[string]int & assign map[string]int
	}
	for _, in := range m { //map: iterate map[string]map[string]int
		in["last"] = 1 //map: assign map[string]int
		for k := range in { //map: iterate map[string]int
			in[k] = 3 //map: assign map[string]int
		}
	}
}

//go:noinline
func (c *counter) add(s string, p point) {
	c.hits[s]++                        //map: assign map[string]int
	c.links[p] = append(c.links[p], s) //map: assign map[main.point][]string
}

func (c *counter) inlined(s string) {
	c.hits[s] = len(s) //map: assign map[string]int
}

func setByte(m map[byte]int8, b byte) {
	m[b] = 1 //map: assign map[uint8]int8
}

//go:noinline
func inlining(c *counter, m map[byte]int8) {
	c.inlined("a")
	setByte(m, 'x')
	for i := byte(0); i < 10; i++ {
		setByte(m, i)
	}
}

//go:noinline
func branches(m map[string]int, n map[string]string, k string, x int) {
	switch x {
	case 0:
		m[k] = 1 //map: assign map[string]int
	case 1:
		m[k] = 2 //map: assign map[string]int
	case 2:
		n[k] = "c" //map: assign map[string]string
	case 3:
		n[k] = "d" //map: assign map[string]string
	case 4:
		m[k]++ //map: assign map[string]int
	case 5:
		delete(m, k) //map: delete map[string]int
	case 6:
		delete(n, k) //map: delete map[string]string
	case 7:
		m[k], n[k] = 9, "e" //map: assign map[string]int & assign map[string]string
	case 8:
		clear(m) //map: clear map[string]int
	case 9:
		clear(n) //map: clear map[string]string
	case 10:
		m["ten"] = 10 //map: assign map[string]int
	default:
		n["other"] = k //map: assign map[string]string
	}
	if x > 3 {
		m[k] = x //map: assign map[string]int
	} else {
		m[k] = -x //map: assign map[string]int
	}
}

//go:noinline
func loops(m map[int]int, o map[int][]*point, n int) {
	for i := 0; i < n; i++ {
		for j := 0; j < n; j++ {
			m[i*n+j] = i //map: assign map[int]int
			if j&1 == 0 {
				o[j] = append(o[j], &point{i, j}) //map: assign map[int][]*main.point
			}
		}
	}
	for k := range m { //map: iterate map[int]int
		if k > 100 {
			delete(m, k) //map: delete map[int]int
		}
	}
	for k := range o { //map: clear map[int][]*main.point
		delete(o, k)
	}
}

//go:noinline
func closures(k string) func(int) map[string]int {
	m := make(map[string]int, 100) //map: make map[string]int
	t := map[int]func(){}
	add := func(i int) map[string]int {
		m[k] = i                       //map: assign map[string]int
		t[i] = func() { delete(m, k) } //map: delete map[string]int & assign map[int]func()
		return m
	}
	done := make(chan bool)
	go func() {
		m["go"] = 1 //map: assign map[string]int
		done <- true
	}()
	<-done
	defer func() {
		m["deferred"] = 2 //map: assign map[string]int
	}()
	return add
}

//go:noinline
func makes(n int) (int, any) {
	a := make(map[string]bool, n)                                                                          //map: make map[string]bool
	b := make(map[point]inner, 1000)                                                                       //map: make map[main.point]main.inner
	c := map[string]int{"a": 1, "b": 2, "c": n}                                                            //map: assign map[string]int
	d := map[int32]string{1: "a", 2: "b", 3: "c", 4: "d", 5: "e", 6: "f", 7: "g", 8: "h", 9: "i", 10: "j"} //map: make map[int32]string & assign map[int32]string
	e := map[string]int64{                                                                                 //map: make map[string]int64 & assign map[string]int64
		"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10,
		"k": 1, "l": 2, "m": 3, "n": 4, "o": 5, "p": 6, "q": 7, "r": 8, "s": 9, "t": 10,
		"u": 1, "v": 2, "w": 3, "x": 4, "y": 5, "z": 6, "0": 7, "1": 8, "2": 9, "3": 10,
	}
	f := map[string]map[string]int{"x": {"y": 1}, "z": {"w": n}} //map: assign map[string]map[string]int & assign map[string]int
	b[point{n, n}] = inner{byName: c}                            //map: assign map[main.point]main.inner
	a["x"] = true                                                //map: assign map[string]bool
	g := maps.Clone(c)                                           //map: clone map[string]int
	g["clone"] = 5                                               //map: assign map[string]int
	sink = []any{a, b, c, d, e, f, g}
	return len(e), sink
}

type cache[K comparable, V any] struct{ m map[K]V }

//go:noinline
func (c *cache[K, V]) put(k K, v V) {
	c.m[k] = v //map: assign ? map[string]int map[main.point]string
}

//go:noinline
func put[K comparable, V any](m map[K]V, k K, v V) {
	m[k] = v     //map: assign ? map[string]int map[main.point]string map[int32]main.point
	delete(m, k) //map: delete ? map[string]int map[main.point]string map[int32]main.point
	func() {
		m[k] = v //map: assign ? map[string]int map[main.point]string map[int32]main.point
	}()
}

func putInlined[K comparable, V any](m map[K]V, k K, v V) {
	m[k] = v //map: assign ? map[string]int map[int64]string
}

//go:noinline
func group[K comparable, V any](xs []V, key func(V) K) map[K][]V {
	out := make(map[K][]V, len(xs)) //map: make ? map[int][]string
	for _, x := range xs {
		out[key(x)] = append(out[key(x)], x) //map: read ? map[int][]string & assign ? map[int][]string
	}
	return out
}

//go:noinline
func generics(p point) any {
	a := &cache[string, int]{m: map[string]int{}}
	b := &cache[point, string]{m: map[point]string{}}
	a.put("a", 1)
	b.put(p, "b")
	put(a.m, "a", 1)
	put(b.m, p, "b")
	put(map[int32]point{}, 3, p)
	putInlined(a.m, "i", 2)
	putInlined(table, 3, "i")
	return group(strings.Fields("a bb ccc"), func(s string) int { return len(s) })
}

//go:noinline
func registers(m map[string]int, a, b, c, d, e, f, g, h string) int {
	// Everything is live across the calls, so that registers are short.
	m[a] = len(b)                                //map: assign map[string]int
	m[b] += len(c)                               //map: assign map[string]int
	x := m[c] + m[d]                             //map: read map[string]int
	m[d+e] = x                                   //map: assign map[string]int
	m[f] = len(a) + len(b) + len(c) + len(d)     //map: assign map[string]int
	m[g] = len(e) + len(f) + len(g) + len(h) + x //map: assign map[string]int
	return len(a) + len(h) + x
}

type embedded struct {
	counter
	byID map[uint32]*counter
}

//go:noinline
func (e *embedded) touch(id uint32) {
	c, ok := e.byID[id] //map: read map[uint32]*main.counter
	if !ok {
		c = &counter{hits: make(map[string]int, 4), links: map[point][]string{}}
		e.byID[id] = c //map: assign map[uint32]*main.counter
	}
	c.add("t", point{int(id), 0})
	e.hits["touch"]++ //map: assign map[string]int
}

//go:noinline
func structs(m map[struct {
	a string
	b int
}]struct{}, set map[string]struct{}, big map[[40]int]int, s string) {
	m[struct { //map: assign map[struct { a string; b int }]struct {}
		a string
		b int
	}{s, 1}] = struct{}{}
	set[s] = struct{}{} //map: assign map[string]struct {}
	big[[40]int{1}]++   //map: assign map[[40]int]int
}

// Neither map leaves the function.
//
//go:noinline
func local(words []string) int {
	seen := map[string]bool{}
	for _, w := range words {
		seen[w] = true //map: assign map[string]bool
	}
	many := make(map[string]int8, len(words)) //map: make map[string]int8
	for _, w := range words {
		many[w] = 1 //map: assign map[string]int8
	}
	return len(seen) + len(many)
}

func main() {
	fmt.Println(local(os.Args))
	c := &counter{hits: map[string]int{}, links: map[point][]string{}}
	p := point{len(os.Args), 2}
	fast32(map[int32]int{}, 3)
	table = map[int64]string{}
	fast64(table, map[uint64]bool{}, 3)
	pointers(map[*point]int{}, map[chan int]string{}, &p, make(chan int))
	strings1(c.hits, map[name][]byte{}, os.Args)
	slow(map[point]int{}, map[float64]int{}, map[any]int{}, map[shape]string{}, map[[3]int]bool{}, p)
	globals["a"] = map[string]int{}                                            //map: assign map[string]map[string]int
	nested(globals, map[int]map[string]map[point]bool{1: {"a": {}}}, "a", "b") //map: assign map[int]map[string]map[main.point]bool & assign map[string]map[main.point]bool
	held(globals, os.Args)
	c.add("x", p)
	inlining(c, map[byte]int8{})
	branches(c.hits, map[string]string{}, "k", len(os.Args))
	loops(map[int]int{}, map[int][]*point{}, 20)
	add := closures("k")
	fmt.Println(add(1))
	fmt.Println(makes(len(os.Args)))
	fmt.Println(generics(p))
	fmt.Println(registers(c.hits, "a", "b", "c", "d", "e", "f", "g", "h"))
	e := &embedded{counter: *c, byID: map[uint32]*counter{}}
	e.touch(3)
	structs(map[struct {
		a string
		b int
	}]struct{}{}, map[string]struct{}{}, map[[40]int]int{}, "s")
}
