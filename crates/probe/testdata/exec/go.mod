module exec

go 1.21
