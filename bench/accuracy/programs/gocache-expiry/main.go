// A burst of a million entries that expire at once, then weeks of a few: go-cache with DeleteExpired called often, as
// its janitor does.
package main

import (
	"fmt"
	"time"

	"example.com/profiles"
	"github.com/patrickmn/go-cache"
)

const (
	burst = 1_000_000
	usual = 2000
)

func main() {
	tokens := cache.New(time.Hour, 0)
	for i := range burst {
		tokens.Set(key(i), i, time.Nanosecond)
	}
	tokens.DeleteExpired()
	round := 0
	profiles.Of(func() {
		round++
		for i := range usual {
			tokens.Set(key(i), round, time.Hour)
		}
		tokens.DeleteExpired()
	})
	fmt.Println("rounds", round > 0, "tokens", tokens.ItemCount())
}

func key(i int) string { return fmt.Sprintf("token-%07d", i) }
