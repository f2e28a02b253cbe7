module writes

go 1.21
