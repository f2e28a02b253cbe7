module works

go 1.21
