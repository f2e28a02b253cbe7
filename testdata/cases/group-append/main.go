// grafana/grafana#112295: permissions grouped by action into map[string][]string; growth of the slices, not of the map, costs.
package main

import (
	"strconv"

	"mapscope.test/cases/profiled"
)

type permission struct{ action, scope string }

func group(ps []permission) map[string][]string {
	m := make(map[string][]string)
	for i := range ps {
		m[ps[i].action] = append(m[ps[i].action], ps[i].scope)
	}
	return m
}

func main() {
	var ps []permission
	for i := 0; i < 70000; i++ {
		ps = append(ps, permission{"dashboards:" + strconv.Itoa(i%60), "uid:" + strconv.Itoa(i)})
	}
	profiled.Run(func() {
		if len(group(ps)) != 60 {
			panic("groups")
		}
	})
}
