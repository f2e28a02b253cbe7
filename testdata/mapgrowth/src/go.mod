module mapgrowth

go 1.21
