// Remap puts a copy of its code where its code is, as programs do that want larger pages, and fills maps: 20,000 of 9
// entries, which grow once each. Before and after that it waits for a line. With an argument it does something else: `give`
// gives the pages of its code back before it fills maps, `keep` nothing.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

var sink any

//go:noinline
func fill() {
	for i := 0; i < 20_000; i++ {
		m := make(map[int]int)
		for key := 0; key < 9; key++ {
			m[key] += i
		}
		sink = m
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// text is where the code of this program is: the first mapping of it that can be run.
func text() (start, end uintptr) {
	maps := string(must(os.ReadFile("/proc/self/maps")))
	exe := must(os.Readlink("/proc/self/exe"))
	for _, line := range strings.Split(maps, "\n") {
		if strings.Contains(line, " r-xp ") && strings.HasSuffix(line, exe) {
			must(fmt.Sscanf(line, "%x-%x", &start, &end))
			return start, end
		}
	}
	panic("no code")
}

func remap() {
	const maymove, fixed = 1, 2
	start, end := text()
	size := int(end - start)
	code := must(syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON))
	copy(code, unsafe.Slice((*byte)(unsafe.Pointer(start)), size))
	must(0, syscall.Mprotect(code, syscall.PROT_READ|syscall.PROT_EXEC))
	from := uintptr(unsafe.Pointer(&code[0]))
	_, _, errno := syscall.Syscall6(syscall.SYS_MREMAP, from, uintptr(size), uintptr(size),
		maymove|fixed, start, 0)
	if errno != 0 {
		panic(errno)
	}
}

// giveBack has the kernel read the code from the file when it is run again.
func giveBack() {
	start, end := text()
	const dontneed = 4
	_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, start, end-start, dontneed)
	if errno != 0 {
		panic(errno)
	}
}

func main() {
	how := strings.Join(os.Args[1:], "")
	if how == "" {
		remap()
	}
	fmt.Println("ready", os.Getpid())
	input := bufio.NewReader(os.Stdin)
	input.ReadString('\n')
	if how == "give" {
		giveBack()
	}
	fill()
	fmt.Println("filled")
	input.ReadString('\n')
}
