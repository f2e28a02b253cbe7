module example.com/set-shared

go 1.23

require github.com/deckarep/golang-set/v2 v2.6.0

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
