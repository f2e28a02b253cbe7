module example.com/lru-shared

go 1.26

require github.com/hashicorp/golang-lru/v2 v2.0.7

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
