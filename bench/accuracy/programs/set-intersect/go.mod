module example.com/set-intersect

go 1.25

require github.com/deckarep/golang-set/v2 v2.8.0

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
