// Exec fills maps, says so, waits for a line, and becomes another program: what is recorded of it has to end there.
//
// Each round is 1,000 maps of 9 entries, which grow once each.
//
//	exec ROUNDS THREAD PROGRAM ARGUMENT...   THREAD is first, other or none, which does not become anything
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
)

var sink any

//go:noinline
func fill(rounds int) {
	for i := 0; i < rounds*1000; i++ {
		m := make(map[int]int)
		for key := 0; key < 9; key++ {
			m[key] += i
		}
		sink = m
	}
}

func become(argv []string) {
	err := syscall.Exec(argv[0], argv, os.Environ())
	panic(err)
}

func init() {
	// main.main runs on the first thread then.
	runtime.LockOSThread()
}

func main() {
	rounds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println("ready", os.Getpid())
	input := bufio.NewReader(os.Stdin)
	input.ReadString('\n')
	fill(rounds)
	fmt.Println("filled", rounds*1000)
	switch os.Args[2] {
	case "none":
		input.ReadString('\n')
	case "first":
		become(os.Args[3:])
	case "other":
		go become(os.Args[3:])
		select {}
	}
}
