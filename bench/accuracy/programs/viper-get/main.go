// Settings asked for at each request: GetInt and GetString of viper, by paths of three names, with a configuration of
// 200 settings.
package main

import (
	"fmt"

	"example.com/profiles"
	"github.com/spf13/viper"
)

func main() {
	settings := viper.New()
	services := map[string]any{}
	for i := range 40 {
		services[fmt.Sprintf("service%d", i)] = map[string]any{
			"host": "10.0.0.7", "port": 8000 + i, "retries": 3, "timeout": "250ms", "tls": true,
		}
	}
	profiles.Check(settings.MergeConfigMap(map[string]any{"services": services}))
	var paths [40][2]string
	for i := range paths {
		paths[i] = [2]string{fmt.Sprintf("services.service%d.port", i), fmt.Sprintf("services.service%d.timeout", i)}
	}
	sum := 0
	profiles.Of(func() {
		for _, path := range paths {
			sum += settings.GetInt(path[0]) + len(settings.GetString(path[1]))
		}
	})
	fmt.Println("sum", sum > 0)
}
