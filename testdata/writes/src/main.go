// Command writes appends the same lines to a file badly, one call and one fsync for each, and well, through a buffer and
// with one fsync, and prints what it asked the kernel for, this print included.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// counted counts what it writes and how often.
type counted struct {
	file         *os.File
	calls, bytes int
}

func (c *counted) Write(p []byte) (int, error) {
	c.calls++
	c.bytes += len(p)
	return c.file.Write(p)
}

func line(i int) string { return fmt.Sprintf("event %08d happened\n", i) }

func writeBadly(out *counted, n int) (syncs int) {
	for i := 0; i < n; i++ {
		check(out.Write([]byte(line(i))))
		check(0, out.file.Sync())
		syncs++
	}
	return syncs
}

func writeWell(out *counted, n int) (syncs int) {
	buffer := bufio.NewWriterSize(out, 64<<10)
	for i := 0; i < n; i++ {
		check(buffer.WriteString(line(i)))
	}
	check(0, buffer.Flush())
	check(0, out.file.Sync())
	return 1
}

func check(_ int, err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	dir := flag.String("o", ".", "directory for the files")
	bad := flag.Int("bad", 200, "lines written badly")
	good := flag.Int("good", 40000, "lines written well")
	flag.Parse()
	calls, bytes, syncs := 0, 0, 0
	run := func(name string, n int, write func(*counted, int) int) {
		file, err := os.Create(filepath.Join(*dir, name))
		check(0, err)
		out := &counted{file: file}
		syncs += write(out, n)
		calls += out.calls
		bytes += out.bytes
		check(0, file.Close())
	}
	run("bad.log", *bad, writeBadly)
	run("good.log", *good, writeWell)
	const form = "calls %08d bytes %012d syncs %08d\n"
	own := len(fmt.Sprintf(form, 0, 0, 0))
	fmt.Printf(form, calls+1, bytes+own, syncs)
}
