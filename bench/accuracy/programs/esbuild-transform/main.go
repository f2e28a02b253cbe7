// JavaScript made small: Transform of esbuild on the largest script that it brings.
package main

import (
	"fmt"

	"example.com/profiles"
	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	script := string(profiles.Beside(api.Transform, "..", "..", "scripts", "js-api-tests.js"))
	bytes := 0
	profiles.Of(func() {
		result := api.Transform(script, api.TransformOptions{
			MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Target: api.ES2017,
		})
		bytes += len(result.Code)
	})
	fmt.Println("bytes", bytes > 0)
}
