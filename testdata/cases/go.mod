module mapscope.test/cases

go 1.21
