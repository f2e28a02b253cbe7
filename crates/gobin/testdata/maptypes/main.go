// Program maptypes holds map types of every shape and prints what Go says about them: the ground truth for a reader
// of binaries. With an argument it prints the frames of its own code instead.
package main

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strings"
)

type point struct{ x, y int }
type named map[string]point
type number int64
type text string
type wide [40]int
type empty struct{}
type holder struct {
	id    int
	inner map[string]int
}
type tree struct {
	children map[string]*tree
	parent   *tree
}
type list struct {
	next *list
	name string
}
type generic[K comparable, V any] struct{ m map[K]V }
type shape interface{ area() float64 }
type pair[A, B any] struct {
	a A
	b B
}

var maps = []any{
	map[bool]int8{}, map[int]int{}, map[int8]uint8{}, map[int16]uint16{}, map[int32]uint32{}, map[int64]uint64{},
	map[uint]uintptr{}, map[uint8]bool{}, map[uint16]string{}, map[uint32][]byte{}, map[uint64]error{},
	map[uintptr]any{}, map[float32]float64{}, map[float64]complex64{}, map[complex128]int{}, map[string]string{},
	map[text]number{}, map[number]text{}, map[point]point{}, map[[2]string]int{}, map[[4]byte][4]byte{},
	map[any]any{}, map[error]shape{}, map[*point]*holder{}, map[chan int]func(int) string{}, map[wide]int{},
	map[int]wide{}, map[wide]wide{}, map[string]struct{}{}, map[string]empty{}, map[struct{}]int{}, map[empty]empty{},
	map[struct {
		a int
		b string
	}]struct{ c []int }{},
	named{}, map[string]named{}, map[string]map[string]int{}, map[int]map[point]map[text]bool{},
	map[string]*map[int]int{}, map[string][]map[int]int{}, map[string][3]map[int]int{}, map[string]holder{},
	map[string]*holder{}, map[string][]*holder{}, map[string]*tree{}, map[string]*list{}, map[point][2][]list{},
	map[string]chan map[int]bool{}, map[string]func(map[int]int8) map[int]int16{}, map[string]any{},
	generic[string, int]{}.m, generic[point, []string]{}.m, map[pair[int, string]]pair[text, number]{},
	map[string]generic[int8, int32]{}, map[int]pair[map[int]int, string]{}, map[int32]map[int64]map[int8]map[int16]int{},
	map[string]reflect.Type{}, map[*runtime.Func]*strings.Builder{},
}

// nested says what the element holds: a map itself, or one behind pointer, struct, slice or array.
func nested(t reflect.Type) string {
	if t.Elem().Kind() == reflect.Map {
		return "direct"
	}
	if reaches(t.Elem(), map[reflect.Type]bool{}) {
		return "reaches"
	}
	return "no"
}

func reaches(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Map:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return reaches(t.Elem(), seen)
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			if reaches(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

func printTypes() {
	var lines []string
	for _, m := range maps {
		t := reflect.TypeOf(m)
		line := fmt.Sprintf("%T|%v|%d|%v|%d|%s", m, t.Key(), t.Key().Size(), t.Elem(), t.Elem().Size(), nested(t))
		lines = append(lines, line)
	}
	sort.Strings(lines)
	fmt.Println(strings.Join(lines, "\n"))
}

// printFrames prints the frames at addresses of functions with and without inlined calls.
func printFrames() {
	for _, f := range []any{printTypes, printFrames, nested, reaches, main, fmt.Fprintf, sort.Strings, strings.Map} {
		entry := reflect.ValueOf(f).Pointer()
		for pc := entry; pc < entry+1200; pc += 4 {
			if runtime.FuncForPC(pc).Entry() != entry {
				break
			}
			fmt.Printf("%x", pc)
			// Callers are found by their return address, one beyond the call.
			frames := runtime.CallersFrames([]uintptr{pc + 1})
			for {
				frame, more := frames.Next()
				fmt.Printf("|%s %s:%d", frame.Function, frame.File, frame.Line)
				if !more {
					break
				}
			}
			fmt.Println()
		}
	}
}

func main() {
	if len(os.Args) > 1 {
		printFrames()
		return
	}
	printTypes()
}
