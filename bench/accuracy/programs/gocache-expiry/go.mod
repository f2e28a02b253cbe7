module example.com/gocache-expiry

go 1.24

require github.com/patrickmn/go-cache v2.1.0+incompatible

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
