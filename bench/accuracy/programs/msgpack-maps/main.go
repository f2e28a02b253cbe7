// Messages of a queue whose fields are not known beforehand: msgpack into map[string]interface{}, twelve fields and two
// maps of four below.
package main

import (
	"fmt"

	"example.com/profiles"
	"github.com/vmihailenco/msgpack/v5"
)

func main() {
	message := map[string]any{
		"actor":  map[string]any{"id": 77, "login": "octavia", "type": "User", "admin": false},
		"source": map[string]any{"host": "web-07", "zone": "eu-1b", "pid": 4711, "version": "1.4.2"},
	}
	for i := 0; i < 12; i++ {
		message[fmt.Sprintf("attribute_%d", i)] = i * 1000
	}
	text, err := msgpack.Marshal(message)
	profiles.Check(err)
	fields := 0
	profiles.Of(func() {
		for range 1000 {
			var read map[string]any
			profiles.Check(msgpack.Unmarshal(text, &read))
			fields += len(read)
		}
	})
	fmt.Println("fields", fields > 0)
}
