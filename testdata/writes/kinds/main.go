// Command kinds writes in several ways, one function for each, and prints what each asked the kernel for.
//
// The lines are printed at once at the end, and the last one counts that print itself.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// asked is what a way of writing asked for.
type asked struct{ calls, bytes, syncs int }

func (a *asked) wrote(bytes int, err error) {
	check(err)
	a.calls++
	a.bytes += bytes
}

func (a *asked) synced(err error) {
	check(err)
	a.syncs++
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func line(i int) []byte { return []byte(fmt.Sprintf("event %08d happened\n", i)) }

// many writes lines one by one and waits for each.
func many(file *os.File, n int) (a asked) {
	for i := 0; i < n; i++ {
		a.wrote(file.Write(line(i)))
		a.synced(file.Sync())
	}
	return a
}

// few writes the same lines through a buffer and waits once.
func few(file *os.File, n int) (a asked) {
	buffer := bufio.NewWriterSize(writer(func(p []byte) (int, error) {
		a.wrote(file.Write(p))
		return len(p), nil
	}), 4096)
	for i := 0; i < n; i++ {
		_, err := buffer.Write(line(i))
		check(err)
	}
	check(buffer.Flush())
	a.synced(file.Sync())
	return a
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// places writes at places of the file, and waits for the data only.
func places(file *os.File, n int) (a asked) {
	for i := 0; i < n; i++ {
		a.wrote(file.WriteAt(line(i), int64(8192*i)))
	}
	a.synced(syscall.Fdatasync(int(file.Fd())))
	return a
}

// vectors writes two lines in a call, and waits for nothing.
func vectors(file *os.File, n int) (a asked) {
	for i := 0; i < n; i++ {
		first, second := line(i), line(i+1)
		parts := [2]syscall.Iovec{{Base: &first[0]}, {Base: &second[0]}}
		parts[0].SetLen(len(first))
		parts[1].SetLen(len(second))
		wrote, _, errno := syscall.Syscall(syscall.SYS_WRITEV, file.Fd(), uintptr(unsafe.Pointer(&parts[0])), 2)
		if errno != 0 {
			panic(errno)
		}
		a.wrote(int(wrote), nil)
	}
	return a
}

// through writes to a file that was opened so that each write waits.
func through(file *os.File, n int) (a asked) {
	for i := 0; i < n; i++ {
		a.wrote(file.Write(line(i)))
	}
	return a
}

// pipe writes where no storage is.
func pipe(n int) (a asked) {
	reader, file, err := os.Pipe()
	check(err)
	done := make(chan error)
	go func() {
		_, err := io.Copy(io.Discard, reader)
		done <- err
	}()
	for i := 0; i < n; i++ {
		a.wrote(file.Write(line(i)))
	}
	check(file.Close())
	check(<-done)
	return a
}

// together lets threads wait at the same time, each for a file of its own.
func together(dir string, n int) (sum asked) {
	var all sync.WaitGroup
	var lock sync.Mutex
	for t := 0; t < 4; t++ {
		all.Add(1)
		go func(t int) {
			defer all.Done()
			file, err := os.Create(filepath.Join(dir, fmt.Sprint("together", t)))
			check(err)
			defer file.Close()
			a := onOne(file, n)
			lock.Lock()
			defer lock.Unlock()
			sum.calls += a.calls
			sum.bytes += a.bytes
			sum.syncs += a.syncs
		}(t)
	}
	all.Wait()
	return sum
}

func onOne(file *os.File, n int) (a asked) {
	for i := 0; i < n; i++ {
		a.wrote(file.Write(line(i)))
		a.synced(file.Sync())
	}
	return a
}

func main() {
	dir := flag.String("o", ".", "directory for the files")
	n := flag.Int("n", 50, "lines written in each way")
	only := flag.String("only", "", "the one way to write in; all if empty")
	flag.Parse()
	var printed strings.Builder
	say := func(name string, a asked) {
		fmt.Fprintf(&printed, "%s %08d %08d %08d\n", name, a.calls, a.bytes, a.syncs)
	}
	is := func(name string) bool { return *only == "" || *only == name }
	write := func(name string, flags int, write func(*os.File, int) asked) {
		if !is(name) {
			return
		}
		file, err := os.OpenFile(filepath.Join(*dir, name), os.O_RDWR|os.O_CREATE|flags, 0o600)
		check(err)
		say(name, write(file, *n))
		check(file.Close())
	}
	if is("pipe") {
		say("pipe", pipe(*n))
	}
	write("many", 0, many)
	write("few", 0, few)
	write("places", 0, places)
	write("vectors", 0, vectors)
	write("through", syscall.O_SYNC, through)
	if is("onOne") {
		say("onOne", together(*dir, *n))
	}
	// As long as the line itself will be.
	own := printed.Len() + len(fmt.Sprintf("main %08d %08d %08d\n", 0, 0, 0))
	say("main", asked{calls: 1, bytes: own})
	fmt.Print(printed.String())
}
