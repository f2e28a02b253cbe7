module example.com/gods-hashset

go 1.23

require github.com/emirpasic/gods v1.18.1

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
