// istio/istio#41128: map of maps whose inner maps hold one entry; a struct key was faster.
package main

import (
	"strconv"

	"mapscope.test/cases/profiled"
)

type registry struct {
	byHost map[string]map[string]struct{}
}

func (r *registry) add(host, ns string) {
	m, ok := r.byHost[host]
	if !ok {
		m = map[string]struct{}{}
		r.byHost[host] = m
	}
	m[ns] = struct{}{}
}

var hosts, spaces []string

func build() *registry {
	r := &registry{byHost: map[string]map[string]struct{}{}}
	for i, h := range hosts {
		r.add(h, spaces[i%len(spaces)])
	}
	return r
}

func main() {
	for i := 0; i < 5000; i++ {
		hosts = append(hosts, "svc-"+strconv.Itoa(i)+".default.svc.cluster.local")
	}
	for i := 0; i < 50; i++ {
		spaces = append(spaces, "ns-"+strconv.Itoa(i))
	}
	profiled.Run(func() {
		if len(build().byHost) != len(hosts) {
			panic("lost")
		}
	})
}
