module example.com/lo-group

go 1.27

require golang.org/x/text v0.21.0 // indirect

require (
	example.com/profiles v0.0.0
	github.com/samber/lo v1.49.1
)

replace example.com/profiles => ../../profiles
