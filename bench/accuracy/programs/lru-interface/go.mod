module example.com/lru-interface

go 1.25

require github.com/hashicorp/golang-lru v0.5.4

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
