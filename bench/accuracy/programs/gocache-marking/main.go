// A service that keeps 1.5 million sessions in go-cache, and decodes and encodes JSON for each request. Few of its
// requests touch the cache; each collection marks all of it.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/patrickmn/go-cache"
)

const sessions = 1_500_000

type session struct {
	User string
	Cart []int
}

type request struct {
	Session string            `json:"session"`
	Items   []int             `json:"items"`
	Headers map[string]string `json:"headers"`
}

func main() {
	kept := cache.New(cache.NoExpiration, 0)
	for i := 0; i < sessions; i++ {
		kept.Set(key(i), &session{User: fmt.Sprint("user-", i)}, cache.NoExpiration)
	}
	random := rand.New(rand.NewSource(1))
	answered := 0
	profiles.Of(func() {
		for i := 0; i < 1000; i++ {
			body := fmt.Sprintf(`{"session":%q,"items":[1,2,3,5,8],"headers":{"accept":"*/*"}}`, key(random.Intn(sessions)))
			answered += answer(kept, []byte(body))
		}
	})
	fmt.Println("answered", answered)
}

func answer(kept *cache.Cache, body []byte) int {
	var asked request
	profiles.Check(json.Unmarshal(body, &asked))
	found, _ := kept.Get(asked.Session)
	text, err := json.Marshal(session{User: found.(*session).User, Cart: asked.Items})
	profiles.Check(err)
	return len(text)
}

func key(i int) string { return fmt.Sprintf("session-%08d", i) }
