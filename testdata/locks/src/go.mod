module locked

go 1.21
