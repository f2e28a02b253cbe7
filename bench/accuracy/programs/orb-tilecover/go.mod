module example.com/orb-tilecover

go 1.27

require go.mongodb.org/mongo-driver v1.11.4 // indirect

require (
	example.com/profiles v0.0.0
	github.com/paulmach/orb v0.11.1
)

replace example.com/profiles => ../../profiles
