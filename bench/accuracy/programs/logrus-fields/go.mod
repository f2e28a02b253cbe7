module example.com/logrus-fields

go 1.24

require golang.org/x/sys v0.0.0-20220715151400-c0bba94af5f8 // indirect

require (
	example.com/profiles v0.0.0
	github.com/sirupsen/logrus v1.9.3
)

replace example.com/profiles => ../../profiles
