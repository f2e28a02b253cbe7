module sites

go 1.21
