// A controller asks which pods are on each node: ByIndex of client-go's cache, 30,000 pods on 300 nodes, and one update
// of a pod for each question.
package main

import (
	"fmt"

	"example.com/profiles"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

const (
	pods  = 30_000
	nodes = 300
)

func main() {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{
		cache.NamespaceIndex: cache.MetaNamespaceIndexFunc,
		"node": func(object any) ([]string, error) {
			return []string{object.(*v1.PartialObjectMetadata).Labels["node"]}, nil
		},
	})
	for i := range pods {
		profiles.Check(indexer.Add(pod(i)))
	}
	asked, found := 0, 0
	profiles.Of(func() {
		for range 100 {
			asked++
			on, err := indexer.ByIndex("node", node(asked))
			profiles.Check(err)
			found += len(on)
			profiles.Check(indexer.Update(on[asked%len(on)]))
		}
	})
	fmt.Println("pods found", found/asked)
}

func pod(i int) *v1.PartialObjectMetadata {
	return &v1.PartialObjectMetadata{ObjectMeta: v1.ObjectMeta{
		Namespace: fmt.Sprintf("team-%d", i%40),
		Name:      fmt.Sprintf("checkout-%05d-%08x", i, i*7919),
		Labels:    map[string]string{"node": node(i)},
	}}
}

func node(i int) string { return fmt.Sprintf("node-%03d.eu-central-1.compute.internal", i%nodes) }
