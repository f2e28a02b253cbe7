// Server fills nested maps behind a lock, writes to a file, and serves net/http/pprof at the address given, or on a port of
// its own, which it prints. It ends after the time given.
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

var (
	lock   sync.Mutex
	counts = map[string]map[string]int{}
)

func add(outer, inner string) {
	lock.Lock()
	defer lock.Unlock()
	if counts[outer] == nil {
		counts[outer] = map[string]int{}
	}
	counts[outer][inner]++
	if len(counts) > 200 {
		counts = map[string]map[string]int{}
	}
}

func fill(worker int) {
	for i := 0; ; i++ {
		add("shard_"+strconv.Itoa(i/100%1000+worker), "field_"+strconv.Itoa(i))
	}
}

func write(file *os.File) {
	for {
		fmt.Fprintln(file, "a line")
		file.Sync()
		time.Sleep(20 * time.Millisecond)
	}
}

func main() {
	duration, err := time.ParseDuration(os.Args[1])
	if err != nil {
		panic(err)
	}
	runtime.SetMutexProfileFraction(10)
	runtime.SetBlockProfileRate(10_000)
	address := "127.0.0.1:0"
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	listener, err := net.Listen("tcp", address)
	// A port that was free may be another's for a moment.
	for tries := 0; err != nil && tries < 80; tries++ {
		time.Sleep(50 * time.Millisecond)
		listener, err = net.Listen("tcp", address)
	}
	if err != nil {
		panic(err)
	}
	file, err := os.CreateTemp("", "server")
	if err != nil {
		panic(err)
	}
	defer os.Remove(file.Name())
	fmt.Println(listener.Addr())
	go http.Serve(listener, nil)
	go write(file)
	for worker := range [2]int{} {
		go fill(worker)
	}
	time.Sleep(duration)
}
