// Fills maps of 100 entries in two goroutines until it is killed.
package main

func main() {
	go fill()
	fill()
}

func fill() {
	for {
		entries := map[int]int{}
		for i := range 100 {
			entries[i] = i
		}
	}
}
