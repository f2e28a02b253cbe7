module example.com/fuzzy-train

go 1.21

require github.com/sajari/fuzzy v1.0.0

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
