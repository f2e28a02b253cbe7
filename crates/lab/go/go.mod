module mapscope/lab

go 1.21
