module example.com/goldmark-render

go 1.27

require (
	example.com/profiles v0.0.0
	github.com/yuin/goldmark v1.7.8
)

replace example.com/profiles => ../../profiles
