module example.com/esbuild-transform

go 1.25

require (
	github.com/evanw/esbuild v0.25.3
	golang.org/x/sys v0.0.0-20220715151400-c0bba94af5f8 // indirect
)

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
