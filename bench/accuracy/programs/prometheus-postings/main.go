// Prometheus starts: 150,000 series of containers go into the index of label values (MemPostings), a map of maps of
// lists, as when the write-ahead log is read.
package main

import (
	"fmt"

	"example.com/profiles"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/index"
)

const (
	containers = 15_000
	metrics    = 10
)

func main() {
	var series []labels.Labels
	for container := range containers {
		for metric := range metrics {
			series = append(series, labels.FromStrings(
				labels.MetricName, fmt.Sprintf("container_metric_%d_total", metric),
				"container", fmt.Sprintf("app-%d", container%300),
				"id", fmt.Sprintf("/kubepods/burstable/pod%08x/%016x", container/2, container*7919),
				"instance", fmt.Sprintf("10.0.%d.%d:10250", container%200/100, container%100),
				"job", "kubelet",
				"namespace", fmt.Sprintf("team-%d", container%40),
				"pod", fmt.Sprintf("app-%d-%08x", container%300, container/2),
			))
		}
	}
	values := 0
	profiles.Of(func() {
		postings := index.NewUnorderedMemPostings()
		for i, set := range series {
			postings.Add(storage.SeriesRef(i), set)
		}
		values += len(postings.LabelNames())
	})
	fmt.Println("values", values)
}
