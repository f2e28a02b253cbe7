// Plugin says "ready" when it runs, loads a plugin after each line that it is given, and has it fill maps.
package main

import (
	"bufio"
	"fmt"
	"os"
	"plugin"
)

func main() {
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		extra, err := plugin.Open(os.Args[1])
		if err != nil {
			panic(err)
		}
		fill, err := extra.Lookup("Fill")
		if err != nil {
			panic(err)
		}
		for i := 0; i < 1000; i++ {
			fill.(func())()
		}
		fmt.Println("filled")
	}
}
