// Routes in a network of 10,000 places: Dijkstra's algorithm of gonum from one place after the other, on its simple
// weighted graph, whose edges are a map of maps.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"gonum.org/v1/gonum/graph/path"
	"gonum.org/v1/gonum/graph/simple"
)

const (
	side   = 100
	places = side * side
)

func main() {
	random := rand.New(rand.NewSource(1))
	roads := simple.NewWeightedUndirectedGraph(0, 1e9)
	connect := func(from, to int) {
		if to < places && from != to {
			roads.SetWeightedEdge(simple.WeightedEdge{
				F: simple.Node(from * 31), T: simple.Node(to * 31), W: 1 + random.Float64(),
			})
		}
	}
	for place := range places {
		connect(place, place+1)
		connect(place, place+side)
		connect(place, random.Intn(places))
	}
	var length float64
	profiles.Of(func() {
		from := simple.Node(random.Intn(places) * 31)
		to := int64(random.Intn(places) * 31)
		length += path.DijkstraFrom(from, roads).WeightTo(to)
	})
	fmt.Println("length", length > 0)
}
