module example.com/trie-build

go 1.25

require github.com/derekparker/trie v0.0.0-20230829180723-39f4de51ef7d

require example.com/profiles v0.0.0

replace example.com/profiles => ../../profiles
