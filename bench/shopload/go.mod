module example.com/shopload

go 1.23
