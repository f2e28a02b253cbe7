module example.com/gopacket-assembly

go 1.24

require github.com/google/gopacket v1.1.19

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
