module example.com/truthload

go 1.23
