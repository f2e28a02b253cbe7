// Package count is measured before and after a size hint: BEFORE=1 leaves it out.
package count

import (
	"os"
	"strconv"
	"testing"
)

var keys = func() (keys []string) {
	for i := range 1000 {
		keys = append(keys, "/path/"+strconv.Itoa(i))
	}
	return keys
}()

func hint(n int) int {
	if os.Getenv("BEFORE") != "" {
		return 0
	}
	return n
}

func BenchmarkFill(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run("n="+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				counts := make(map[string]int, hint(n))
				for _, key := range keys[:n] {
					counts[key]++
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	counts := map[string]int{}
	for _, key := range keys {
		counts[key]++
	}
	b.SetBytes(8)
	sum := 0
	for i := range b.N {
		sum += counts[keys[i%len(keys)]]
	}
}
