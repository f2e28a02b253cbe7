module example.com/gocache-marking

go 1.21

require github.com/patrickmn/go-cache v2.1.0+incompatible

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
