// Users by login in golang-lru as it was before generics (v0.5): keys and values are interfaces. Nine of ten lookups
// hit.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/hashicorp/golang-lru/simplelru"
)

const (
	cached = 20_000
	known  = 22_000
)

type user struct{ login, name string }

func main() {
	cache, err := simplelru.NewLRU(cached, nil)
	profiles.Check(err)
	logins := make([]any, known)
	users := make([]*user, known)
	for i := range logins {
		login := fmt.Sprintf("user.%d@example.org", i)
		logins[i], users[i] = login, &user{login: login}
		cache.Add(logins[i], users[i])
	}
	random := rand.New(rand.NewSource(1))
	hits := 0
	profiles.Of(func() {
		for range 100_000 {
			i := random.Intn(known)
			if found, ok := cache.Get(logins[i]); ok {
				hits += len(found.(*user).login)
			} else {
				cache.Add(logins[i], users[i])
			}
		}
	})
	fmt.Println("hits", hits)
}
