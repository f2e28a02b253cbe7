module large

go 1.20
