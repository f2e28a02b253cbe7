module example.com/gonum-graph

go 1.27

require golang.org/x/exp v0.0.0-20231110203233-9a3e6036ecaa // indirect

require (
	example.com/profiles v0.0.0
	gonum.org/v1/gonum v0.15.1
)

replace example.com/profiles => ../../profiles
