module example.com/msgpack-maps

go 1.23

require github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect

require (
	example.com/profiles v0.0.0
	github.com/vmihailenco/msgpack/v5 v5.4.1
)

replace example.com/profiles => ../../profiles
