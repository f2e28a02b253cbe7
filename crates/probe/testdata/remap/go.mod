module remap

go 1.21
