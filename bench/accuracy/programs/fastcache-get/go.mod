module example.com/fastcache-get

go 1.27

require (
	github.com/cespare/xxhash/v2 v2.2.0 // indirect
	github.com/golang/snappy v0.0.4 // indirect
	golang.org/x/sys v0.14.0 // indirect
)

require (
	example.com/profiles v0.0.0
	github.com/VictoriaMetrics/fastcache v1.12.2
)

replace example.com/profiles => ../../profiles
