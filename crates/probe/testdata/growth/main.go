// Growth fills maps of many types in many ways, and prints how often they grew and how many entries that moved: the
// truth that a recording has to equal.
//
// Each function writes its maps on a line of its own, and each has map types that nothing else in the process has.
//
//	growth                    prints its process id, waits for a line, fills, prints the truth, waits again
//	growth -nowait            does not wait
//	growth -for 1m            fills again and again for so long
//	growth -cpuprofile FILE   writes a profile to build with -pgo
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"reflect"
	"runtime/pprof"
	"sync"
	"time"
	"unsafe"
)

type (
	intKey   int
	strKey   string
	int32Key int32
	wideKey  struct{ a, b int64 }
	oddKey   [3]uint16
	bigKey   [17]int64
	bigElem  [25]int64
	outerKey string
	innerKey string
	fitKey   int
	tightKey int
	noneKey  int
	churnKey int
	clearKey string
	ptrElem  struct{ n int }
	anyKey   interface{ key() }
	implKey  int
	floatKey float64
	genKey   uint64
	inlKey   int
	goKey    int32
	stackKey int32
)

func (implKey) key() {}

var names = func() (names [40_000]string) {
	for i := range names {
		names[i] = fmt.Sprint("name_", i)
	}
	return names
}()

//go:noinline
func fillInts(s *site, n int) {
	m := make(map[intKey]int)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[intKey(i)] = i
		w.wrote()
	}
}

//go:noinline
func fillStrings(s *site, n int) {
	m := make(map[strKey]int)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[strKey(names[i])] = i
		w.wrote()
	}
}

//go:noinline
func fillInt32s(s *site, n int) {
	m := make(map[int32Key]bool)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[int32Key(i)] = true
		w.wrote()
	}
}

//go:noinline
func fillWide(s *site, n int) {
	m := make(map[wideKey]struct{})
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[wideKey{int64(i), 7}] = struct{}{}
		w.wrote()
	}
}

//go:noinline
func fillOdd(s *site, n int) {
	m := make(map[oddKey]string)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[oddKey{uint16(i), 1, 2}] = "x"
		w.wrote()
	}
}

// Elements of more than 128 bytes are stored as pointers.
//
//go:noinline
func fillBigElems(s *site, n int) {
	m := make(map[int]bigElem)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[i] = bigElem{0: int64(i)}
		w.wrote()
	}
}

//go:noinline
func fillBigKeys(s *site, n int) {
	m := make(map[bigKey]int)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[bigKey{0: int64(i)}] = i
		w.wrote()
	}
}

//go:noinline
func fillOuter(outer, inner *site, n, entries int) {
	m := make(map[outerKey]map[innerKey]int)
	w := watching(outer, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		in := make(map[innerKey]int)
		m[outerKey(names[i])] = in
		w.wrote()
		fillInner(inner, in, entries)
	}
}

//go:noinline
func fillInner(s *site, m map[innerKey]int, n int) {
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[innerKey(names[i])]++
		w.wrote()
	}
}

//go:noinline
func fillHintFits(s *site, n int) {
	m := make(map[fitKey]int, n)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[fitKey(i)] = i
		w.wrote()
	}
}

//go:noinline
func fillHintTooSmall(s *site, n, hint int) {
	m := make(map[tightKey]int, hint)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[tightKey(i)] = i
		w.wrote()
	}
}

//go:noinline
func fillHintZero(s *site, n, hint int) {
	m := make(map[noneKey]int, hint)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[noneKey(i)] = i
		w.wrote()
	}
}

// As many entries leave as come: overflow buckets or deleted slots add up until the map is rebuilt.
//
//go:noinline
func churn(s *site, live, n int) {
	m := make(map[churnKey]int)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[churnKey(i)] = i
		w.wrote()
		if i >= live {
			delete(m, churnKey(i-live))
			w.before.look(w.m)
		}
	}
}

//go:noinline
func fillAndClear(s *site, n, times int) {
	m := make(map[clearKey]int)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n*times; i++ {
		m[clearKey(names[i%n])] = i
		w.wrote()
		if i%n == n-1 {
			clear(m)
			w.before.look(w.m)
		}
	}
}

//go:noinline
func fillPointers(s *site, n int) {
	m := make(map[*ptrElem]*ptrElem)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		p := &ptrElem{i}
		m[p] = p
		w.wrote()
	}
}

//go:noinline
func fillInterfaces(s *site, n int) {
	m := make(map[anyKey]int)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[implKey(i)] = i
		w.wrote()
	}
}

//go:noinline
func fillFloats(s *site, n int) {
	m := make(map[floatKey]int8)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[floatKey(i)] = 1
		w.wrote()
	}
}

//go:noinline
func fillGeneric[K comparable, V any](s *site, n int, key func(int) K, value V) {
	m := make(map[K]V)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[key(i)] = value
		w.wrote()
	}
}

// Inlined into its caller; its line is still its own.
func addInlined(m map[inlKey]int, i int) { m[inlKey(i)] += i }

//go:noinline
func fillByInlined(s *site, n int) {
	m := make(map[inlKey]int)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		addInlined(m, i)
		w.wrote()
	}
}

// A full map of 8 entries is overwritten, which grows it in Go 1.24 to 1.26.
//
//go:noinline
func overwrite(s *site, n int) {
	m := make(map[[2]int32]int)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[[2]int32{int32(i % 8)}]++
		w.wrote()
	}
}

// The map's type is made at run time: no descriptor of it is in the executable.
//
//go:noinline
func fillByReflection(s *site, m reflect.Value, n int) {
	p := m.UnsafePointer()
	w := watching(s, unsafe.Pointer(&p))
	value := reflect.Zero(m.Type().Elem())
	for i := 0; i < n; i++ {
		m.SetMapIndex(reflect.ValueOf(names[i]), value)
		w.wrote()
	}
}

//go:noinline
func fillDeep(s *site, depth, n int) {
	var pad [64]byte
	pad[depth%64] = 1
	if depth > 0 {
		fillDeep(s, depth-1, n)
		pad[0]++
		return
	}
	m := make(map[goKey]int32)
	w := watching(s, unsafe.Pointer(&m))
	for i := 0; i < n; i++ {
		m[goKey(i)] = 1
		w.wrote()
	}
}

// The map's header and first entries are on the goroutine's stack, and are moved when it grows. What it does follows
// from the growth rules, which fillInt32s shows to hold.
//
//go:noinline
func fillOnStack(s *site, depth, n int) int {
	var pad [64]byte
	pad[depth%64] = 1
	if depth > 0 {
		return fillOnStack(s, depth-1, n) + int(pad[0])
	}
	m := make(map[stackKey]int32)
	for i := 0; i < n; i++ {
		m[stackKey(i)] = 1
	}
	// Entries held when the next one makes the map grow.
	steps := []int{8, 13, 26, 52, 104}
	if isSwiss {
		steps = []int{8, 14, 28, 56, 112}
	} else if minor() == 21 {
		steps = []int{8, 12, 24, 48, 96}
	}
	for _, entries := range steps {
		if n > entries {
			s.grows.Add(1)
			s.moved.Add(int64(entries))
		}
	}
	return len(m)
}

// onGoroutines calls f with 0 to n-1 on goroutines that begin with a small stack each.
func onGoroutines(n int, f func(int)) {
	var wait sync.WaitGroup
	for i := 0; i < n; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			f(i)
		}(i)
	}
	wait.Wait()
}

func fillAll() {
	type fill struct {
		site *site
		run  func(*site, int)
	}
	fills := []fill{
		{newSite("fillInts", map[intKey]int{}), fillInts},
		{newSite("fillStrings", map[strKey]int{}), fillStrings},
		{newSite("fillInt32s", map[int32Key]bool{}), fillInt32s},
		{newSite("fillWide", map[wideKey]struct{}{}), fillWide},
		{newSite("fillOdd", map[oddKey]string{}), fillOdd},
		{newSite("fillBigElems", map[int]bigElem{}), fillBigElems},
		{newSite("fillBigKeys", map[bigKey]int{}), fillBigKeys},
		{newSite("fillHintFits", map[fitKey]int{}), fillHintFits},
		{newSite("fillPointers", map[*ptrElem]*ptrElem{}), fillPointers},
		{newSite("fillInterfaces", map[anyKey]int{}), fillInterfaces},
		{newSite("fillFloats", map[floatKey]int8{}), fillFloats},
		{newSite("addInlined", map[inlKey]int{}), fillByInlined},
		{newSite("overwrite", map[[2]int32]int{}), overwrite},
		{newSite("fillGeneric[...]", map[genKey]bigElem{}), func(s *site, n int) {
			fillGeneric(s, n, func(i int) genKey { return genKey(i) }, bigElem{})
		}},
		{newSite("fillGeneric[...]", map[strKey][]string{}), func(s *site, n int) {
			fillGeneric(s, n, func(i int) strKey { return strKey(names[i]) }, []string(nil))
		}},
	}
	for _, f := range fills {
		for n := 0; n <= 200; n += 7 {
			f.run(f.site, n)
		}
		f.run(f.site, 5_000)
	}
	fillInts(fills[0].site, 30_000)
	fillStrings(fills[1].site, 30_000)

	outer := newSite("fillOuter", map[outerKey]map[innerKey]int{})
	inner := newSite("fillInner", map[innerKey]int{})
	fillOuter(outer, inner, 1_000, 48)
	tight := newSite("fillHintTooSmall", map[tightKey]int{})
	none := newSite("fillHintZero", map[noneKey]int{})
	for i := 0; i < 100; i++ {
		fillHintTooSmall(tight, 200, 10)
		fillHintZero(none, 100, 0)
	}
	churning := newSite("churn", map[churnKey]int{})
	for _, live := range []int{1, 8, 9, 100, 1_000} {
		churn(churning, live, 20_000)
	}
	clearing := newSite("fillAndClear", map[clearKey]int{})
	fillAndClear(clearing, 500, 10)

	made := reflect.MapOf(reflect.TypeOf(""), reflect.ArrayOf(3, reflect.TypeOf(uint16(0))))
	reflected := newSite("fillByReflection", reflect.MakeMap(made).Interface())
	for n := 0; n < 100; n += 10 {
		fillByReflection(reflected, reflect.MakeMap(made), n)
	}

	deep := newSite("fillDeep", map[goKey]int32{})
	onStack := newSite("fillOnStack", map[stackKey]int32{})
	onGoroutines(2_000, func(i int) {
		fillDeep(deep, i%60, 60)
		fillOnStack(onStack, i%60, 60)
	})
}

func main() {
	nowait := flag.Bool("nowait", false, "do not wait for lines on standard input")
	long := flag.Duration("for", 0, "fill again until this `time` is over")
	profile := flag.String("cpuprofile", "", "write a CPU profile of 30 rounds to this `file`")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			panic(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			panic(err)
		}
		for i := 0; i < 30; i++ {
			fillAll()
		}
		pprof.StopCPUProfile()
		return
	}
	input := bufio.NewReader(os.Stdin)
	wait := func(what string) {
		fmt.Println(what, os.Getpid())
		if !*nowait {
			input.ReadString('\n')
		}
	}
	wait("ready")
	for start := time.Now(); ; {
		fillAll()
		if time.Since(start) >= *long {
			break
		}
	}
	printTruth()
	wait("done")
}
