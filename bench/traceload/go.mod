module traceload

go 1.22
