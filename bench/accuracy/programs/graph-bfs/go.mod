module example.com/graph-bfs

go 1.21

require github.com/dominikbraun/graph v0.23.0

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
