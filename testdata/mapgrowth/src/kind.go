package main

import (
	"fmt"
	"unsafe"
)

type kindOf[K comparable, V any] struct {
	m     map[K]V
	keys  []K
	zero  V
	watch watch
}

func newKind[K comparable, V any](nKeys int, key func(i int) K) kind {
	k := &kindOf[K, V]{}
	for i := 0; i < nKeys; i++ {
		k.keys = append(k.keys, key(i))
	}
	return k
}

//go:noinline
func newMap[K comparable, V any](hint int) map[K]V { return make(map[K]V, hint) }

func (k *kindOf[K, V]) name() string {
	var named map[K]V
	return spaceless(fmt.Sprintf("%T", named))
}

func (k *kindOf[K, V]) make(hint int) {
	k.m = newMap[K, V](hint)
	k.watch.begin(header(k.m), descriptor(k.m))
}

func (k *kindOf[K, V]) set(key int)     { k.m[k.keys[key]] = k.zero }
func (k *kindOf[K, V]) delete(key int)  { delete(k.m, k.keys[key]) }
func (k *kindOf[K, V]) clear()          { clear(k.m) }
func (k *kindOf[K, V]) watched() *watch { return &k.watch }
func (k *kindOf[K, V]) maxKeys() int    { return len(k.keys) }

func (k *kindOf[K, V]) drop() {
	k.m = nil
	k.watch.forget()
}

// hash calls the function in the map type's descriptor.
//
// Source: internal/abi/type.go (MapType) of Go 1.21, map.go of Go 1.27: Hasher at 72.
func (k *kindOf[K, V]) hash(key int) uint64 {
	hasher := *(*func(unsafe.Pointer, uintptr) uintptr)(unsafe.Add(descriptor(k.m), 72))
	return uint64(hasher(unsafe.Pointer(&k.keys[key]), k.watch.seed()))
}

func header[K comparable, V any](m map[K]V) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&m))
}

func descriptor[K comparable, V any](m map[K]V) unsafe.Pointer {
	var boxed any = m
	return *(*unsafe.Pointer)(unsafe.Pointer(&boxed))
}

func spaceless(text string) string {
	var kept []rune
	for _, r := range text {
		if r != ' ' {
			kept = append(kept, r)
		}
	}
	return string(kept)
}
