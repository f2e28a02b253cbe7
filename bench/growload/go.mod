module example.com/growload

go 1.21
