// Large fills small maps as fast as it can for some seconds, and large ones beside them, slowly.
//
//	large grow FILE    large maps grow to their size
//	large make FILE    the same, and many others are made at their size
//	large fill FILE    the same, and one after the other is filled as fast as that goes
//
// It writes to the file how many large maps grew to 5,000 entries.
package main

import (
	"fmt"
	"os"
	"time"
)

const lasts = 3 * time.Second

var sink int

//go:noinline
func fillSmall() {
	m := map[int]int{}
	for i := 0; i < 200; i++ {
		m[i] = i
	}
	sink += len(m)
}

//go:noinline
func fillLarge() {
	m := map[int]int{}
	for i := 0; i < 5000; i++ {
		m[i] = i
		if i%500 == 499 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	sink += len(m)
}

//go:noinline
func makeLarge() {
	m := make(map[int]int, 2000)
	sink += len(m)
}

//go:noinline
func fillHuge() {
	m := map[int]int{}
	for i := 0; i < 200_000; i++ {
		m[i] = i
	}
	sink += len(m)
}

func main() {
	work := map[string]func(){"grow": fillSmall, "make": makeLarge, "fill": fillHuge}[os.Args[1]]
	end := time.Now().Add(lasts)
	done := make(chan int)
	go func() {
		n := 0
		for ; time.Now().Before(end); n++ {
			fillLarge()
		}
		done <- n
	}()
	for {
		select {
		case n := <-done:
			if err := os.WriteFile(os.Args[2], []byte(fmt.Sprint(n)), 0o600); err != nil {
				panic(err)
			}
			return
		default:
			work()
		}
	}
}
