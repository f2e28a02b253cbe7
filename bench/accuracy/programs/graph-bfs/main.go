// Which services does each service reach? The question that the README of dominikbraun/graph answers with BFS, asked
// for every vertex of a graph of 2,000 services.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/dominikbraun/graph"
)

const (
	services    = 2000
	calls       = 4
	perWorkload = 20
)

func main() {
	random := rand.New(rand.NewSource(1))
	g := graph.New(graph.StringHash, graph.Directed())
	for i := 0; i < services; i++ {
		profiles.Check(g.AddVertex(name(i)))
	}
	for i := 0; i < services*calls; i++ {
		// Some edges come twice, which the graph refuses.
		_ = g.AddEdge(name(random.Intn(services)), name(random.Intn(services)))
	}
	next, reached := 0, 0
	profiles.Of(func() {
		for i := 0; i < perWorkload; i++ {
			next = (next + 1) % services
			depth := 0
			profiles.Check(graph.BFS(g, name(next), func(string) bool {
				depth++
				return depth > 50
			}))
			reached += depth
		}
	})
	fmt.Println("reached", reached)
}

func name(i int) string { return fmt.Sprintf("service-%04d.production.svc", i) }
