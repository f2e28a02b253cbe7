module example.com/filling

go 1.22
