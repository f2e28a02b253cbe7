module maptypes

go 1.21
