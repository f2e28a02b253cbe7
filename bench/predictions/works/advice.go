package main

import (
	"fmt"
	"math/rand"
	"strconv"
	"strings"
)

// Works that each have one fault which an advice is about, and what they are after it was followed. Functions named fill…
// are those that the advice is of; all works are the same in each run.

func random() *rand.Rand { return rand.New(rand.NewSource(1)) }

// groups makes many maps of much the same size. Rewritten with the one hint that was advised.
func groups(rewrite string) func() any {
	const n = 2000
	numbers := random()
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = 60 + numbers.Intn(40)
	}
	if rewrite == "presize" {
		hint := hinted(100)
		return func() any { return fillGroupsPresized(sizes, hint) }
	}
	return func() any { return fillGroups(sizes) }
}

func fillGroups(sizes []int) []map[uint64]int32 {
	all := make([]map[uint64]int32, len(sizes))
	for at, size := range sizes {
		group := make(map[uint64]int32)
		for i := 0; i < size; i++ {
			group[uint64(at*7919+i)*0x9e3779b97f4a7c15] = int32(i)
		}
		all[at] = group
	}
	return all
}

func fillGroupsPresized(sizes []int, hint int) []map[uint64]int32 {
	all := make([]map[uint64]int32, len(sizes))
	for at, size := range sizes {
		group := make(map[uint64]int32, hint)
		for i := 0; i < size; i++ {
			group[uint64(at*7919+i)*0x9e3779b97f4a7c15] = int32(i)
		}
		all[at] = group
	}
	return all
}

type user struct{ name, mail string }

func users(n int) []user {
	all := make([]user, n)
	for i := range all {
		name := "user-" + strconv.Itoa(i*7919)
		all[i] = user{name, name + "@example.org"}
	}
	return all
}

// index makes one large map of a slice. Rewritten with its length as hint.
func index(rewrite string) func() any {
	all := users(200_000)
	if rewrite == "presize" {
		return func() any { return fillIndexPresized(all) }
	}
	return func() any { return fillIndex(all) }
}

func fillIndex(all []user) map[string]*user {
	index := make(map[string]*user)
	for i := range all {
		index[all[i].name] = &all[i]
	}
	return index
}

func fillIndexPresized(all []user) map[string]*user {
	index := make(map[string]*user, len(all))
	for i := range all {
		index[all[i].name] = &all[i]
	}
	return index
}

// tallies makes maps of very different sizes. Rewritten with the size of each.
func tallies(rewrite string) func() any {
	numbers := random()
	sizes := make([]int, 800)
	for i := range sizes {
		sizes[i] = 1 << (3 + numbers.Intn(9))
	}
	if rewrite == "presize" {
		return func() any { return fillTalliesPresized(sizes) }
	}
	return func() any { return fillTallies(sizes) }
}

func fillTallies(sizes []int) []map[int]int {
	all := make([]map[int]int, len(sizes))
	for at, size := range sizes {
		tally := make(map[int]int)
		for i := 0; i < size; i++ {
			tally[i*31+at]++
		}
		all[at] = tally
	}
	return all
}

func fillTalliesPresized(sizes []int) []map[int]int {
	all := make([]map[int]int, len(sizes))
	for at, size := range sizes {
		tally := make(map[int]int, size)
		for i := 0; i < size; i++ {
			tally[i*31+at]++
		}
		all[at] = tally
	}
	return all
}

type edge struct{ from, to uint32 }

// edges keeps what few nodes each node leads to. Rewritten as one map of both.
func edges(rewrite string) func() any {
	const n = 60_000
	numbers := random()
	var all []edge
	for from := 0; from < n; from++ {
		for i := 1 + numbers.Intn(4); i > 0; i-- {
			all = append(all, edge{uint32(from * 31), uint32(numbers.Intn(n))})
		}
	}
	numbers.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	switch rewrite {
	case "flatten":
		return func() any { return fillEdgesFlat(all, 0) }
	case "both":
		return func() any { return fillEdgesFlat(all, len(all)) }
	}
	return func() any { return fillEdges(all, n) }
}

func fillEdges(all []edge, n int) map[uint32]map[uint32]int32 {
	m := make(map[uint32]map[uint32]int32, n)
	for _, e := range all {
		next := m[e.from]
		if next == nil {
			next = make(map[uint32]int32)
			m[e.from] = next
		}
		next[e.to]++
	}
	return m
}

func fillEdgesFlat(all []edge, hint int) map[edge]int32 {
	m := make(map[edge]int32, hint)
	for _, e := range all {
		m[e]++
	}
	return m
}

type tag struct{ item, key, value string }
type tagKey struct{ item, key string }

// tags keeps a few words of each item, which come item by item. Rewritten as one map of both.
func tags(rewrite string) func() any {
	const n = 40_000
	keys := []string{"env", "zone", "owner", "tier"}
	numbers := random()
	var all []tag
	for i := 0; i < n; i++ {
		item := "item-" + strconv.Itoa(i)
		for _, key := range keys[:1+numbers.Intn(3)] {
			all = append(all, tag{item, key, "value"})
		}
	}
	switch rewrite {
	case "flatten":
		return func() any { return fillTagsFlat(all, 0) }
	case "both":
		return func() any { return fillTagsFlat(all, len(all)) }
	}
	return func() any { return fillTags(all, n) }
}

func fillTags(all []tag, n int) map[string]map[string]string {
	m := make(map[string]map[string]string, n)
	for _, t := range all {
		if m[t.item] == nil {
			m[t.item] = make(map[string]string)
		}
		m[t.item][t.key] = t.value
	}
	return m
}

func fillTagsFlat(all []tag, hint int) map[tagKey]string {
	m := make(map[tagKey]string, hint)
	for _, t := range all {
		m[tagKey{t.item, t.key}] = t.value
	}
	return m
}

func words(n int) []string {
	numbers := random()
	all := make([]string, n)
	for i := range all {
		all[i] = "word" + strconv.Itoa(numbers.Intn(100_000))
	}
	return all
}

// sets counts the different words of each of many texts with a set of its own. Rewritten to keep the set.
func sets(rewrite string) func() any {
	all := words(400_000)
	if rewrite == "reuse" {
		return func() any { return fillOneSet(all, 60) }
	}
	return func() any { return fillSets(all, 60) }
}

func fillSets(all []string, each int) int {
	n := 0
	for at := 0; at+each <= len(all); at += each {
		seen := make(map[string]struct{})
		for _, word := range all[at : at+each] {
			seen[word] = struct{}{}
		}
		n += len(seen)
	}
	return n
}

func fillOneSet(all []string, each int) int {
	n := 0
	seen := make(map[string]struct{})
	for at := 0; at+each <= len(all); at += each {
		clear(seen)
		for _, word := range all[at : at+each] {
			seen[word] = struct{}{}
		}
		n += len(seen)
	}
	return n
}

// counts finds the most frequent number of each batch. Rewritten to keep the map.
func counts(rewrite string) func() any {
	numbers := random()
	all := make([]int, 1_000_000)
	for i := range all {
		all[i] = numbers.Intn(300)
	}
	if rewrite == "reuse" {
		return func() any { return fillOneCount(all, 1000) }
	}
	return func() any { return fillCounts(all, 1000) }
}

func fillCounts(all []int, each int) int {
	most := 0
	for at := 0; at+each <= len(all); at += each {
		counts := make(map[int]int)
		for _, number := range all[at : at+each] {
			counts[number]++
		}
		most = max(most, counts[7])
	}
	return most
}

func fillOneCount(all []int, each int) int {
	most := 0
	counts := make(map[int]int)
	for at := 0; at+each <= len(all); at += each {
		clear(counts)
		for _, number := range all[at : at+each] {
			counts[number]++
		}
		most = max(most, counts[7])
	}
	return most
}

// anyInts counts numbers by keys of interface type. Rewritten with their own type.
func anyInts(rewrite string) func() any {
	numbers := random()
	all := make([]int, 500_000)
	for i := range all {
		all[i] = 1000 + numbers.Intn(5000)
	}
	if rewrite == "concrete" {
		m := make(map[int]int)
		return func() any { fillInts(m, all); return len(m) }
	}
	m := make(map[any]int)
	return func() any { fillAnyInts(m, all); return len(m) }
}

func fillAnyInts(m map[any]int, all []int) {
	for _, number := range all {
		m[number]++
	}
}

func fillInts(m map[int]int, all []int) {
	for _, number := range all {
		m[number]++
	}
}

// anyWords keeps a value of each word by keys of interface type. Rewritten with their own type.
func anyWords(rewrite string) func() any {
	all := words(300_000)
	if rewrite == "concrete" {
		return func() any { return fillWords(all) }
	}
	return func() any { return fillAnyWords(all) }
}

func fillAnyWords(all []string) map[any]int {
	m := make(map[any]int, 100_000)
	for i, word := range all {
		m[word] = i
	}
	return m
}

func fillWords(all []string) map[string]int {
	m := make(map[string]int, 100_000)
	for i, word := range all {
		m[word] = i
	}
	return m
}

type address struct {
	host string
	port int
}

func addresses(n int) []address {
	numbers := random()
	all := make([]address, n)
	for i := range all {
		all[i] = address{"host" + strconv.Itoa(numbers.Intn(300)) + ".example.org", 8000 + numbers.Intn(20)}
	}
	return all
}

// printed counts by keys that are printed. Rewritten with a struct of the parts.
func printed(rewrite string) func() any {
	all := addresses(200_000)
	if rewrite == "struct" {
		m := make(map[address]int)
		return func() any { fillAddresses(m, all); return len(m) }
	}
	m := make(map[string]int)
	return func() any { fillPrinted(m, all); return len(m) }
}

func fillPrinted(m map[string]int, all []address) {
	for _, a := range all {
		m[fmt.Sprintf("%s:%d", a.host, a.port)]++
	}
}

func fillAddresses(m map[address]int, all []address) {
	for _, a := range all {
		m[a]++
	}
}

// joined counts by keys that are joined. Rewritten with a struct of the parts.
func joined(rewrite string) func() any {
	all := users(3000)
	if rewrite == "struct" {
		m := make(map[user]int)
		return func() any { fillUsers(m, all); return len(m) }
	}
	m := make(map[string]int)
	return func() any { fillJoined(m, all); return len(m) }
}

func fillJoined(m map[string]int, all []user) {
	for _, u := range all {
		m[u.name+"\x00"+u.mail]++
	}
}

func fillUsers(m map[user]int, all []user) {
	for _, u := range all {
		m[u]++
	}
}

// long counts by long keys. Rewritten with numbers that were given out once.
func long(rewrite string) func() any {
	const n = 400
	numbers := random()
	ids := make([]uint32, 200_000)
	for i := range ids {
		ids[i] = uint32(numbers.Intn(n))
	}
	paths := make([]string, n)
	for i := range paths {
		paths[i] = strings.Repeat("/directory", 60) + strconv.Itoa(i)
	}
	if rewrite == "numbers" {
		m := make(map[uint32]int)
		return func() any { fillNumbers(m, ids); return len(m) }
	}
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = paths[id]
	}
	m := make(map[string]int)
	return func() any { fillLong(m, all); return len(m) }
}

func fillLong(m map[string]int, all []string) {
	for _, path := range all {
		m[path]++
	}
}

func fillNumbers(m map[uint32]int, all []uint32) {
	for _, id := range all {
		m[id]++
	}
}

// postings keeps where each word is. Rewritten to count the places of each word first.
func postings(rewrite string) func() any {
	numbers := random()
	all := make([]string, 400_000)
	for i := range all {
		all[i] = "word" + strconv.Itoa(numbers.Intn(4000))
	}
	if rewrite == "slices" {
		return func() any { return fillPostingsCounted(all) }
	}
	return func() any { return fillPostings(all) }
}

func fillPostings(all []string) map[string][]int64 {
	m := make(map[string][]int64, 4000)
	for at, word := range all {
		m[word] = append(m[word], int64(at))
	}
	return m
}

func fillPostingsCounted(all []string) map[string][]int64 {
	counts := make(map[string]int, 4000)
	for _, word := range all {
		counts[word]++
	}
	m := make(map[string][]int64, 4000)
	for at, word := range all {
		places := m[word]
		if places == nil {
			places = make([]int64, 0, counts[word])
		}
		m[word] = append(places, int64(at))
	}
	return m
}

type event struct {
	kind     int
	from, to int64
	text     string
}

// buckets keeps the events of each kind. Rewritten with the number of events of a kind, which is known.
func buckets(rewrite string) func() any {
	const kinds, each = 500, 400
	all := make([]event, kinds*each)
	for i := range all {
		all[i] = event{kind: i % kinds, from: int64(i)}
	}
	if rewrite == "slices" {
		return func() any { return fillBucketsSized(all, kinds, each) }
	}
	return func() any { return fillBuckets(all, kinds) }
}

func fillBuckets(all []event, kinds int) map[int][]event {
	m := make(map[int][]event, kinds)
	for _, e := range all {
		m[e.kind] = append(m[e.kind], e)
	}
	return m
}

func fillBucketsSized(all []event, kinds, each int) map[int][]event {
	m := make(map[int][]event, kinds)
	for _, e := range all {
		events := m[e.kind]
		if events == nil {
			events = make([]event, 0, each)
		}
		m[e.kind] = append(events, e)
	}
	return m
}

type weight struct {
	name  string
	value float64
}

// few loops over a small map. Rewritten as a slice.
func few(rewrite string) func() any {
	weights := map[string]float64{"title": 3, "author": 2, "text": 1, "tags": 1.5, "year": 0.5}
	if rewrite == "slice" {
		var list []weight
		for name, value := range weights {
			list = append(list, weight{name, value})
		}
		return func() any { return fillScoresOfSlice(list, 300_000) }
	}
	return func() any { return fillScores(weights, 300_000) }
}

func fillScores(weights map[string]float64, n int) float64 {
	sum := 0.0
	for i := 0; i < n; i++ {
		for name, value := range weights {
			sum += value * float64(len(name)+i)
		}
	}
	return sum
}

func fillScoresOfSlice(weights []weight, n int) float64 {
	sum := 0.0
	for i := 0; i < n; i++ {
		for _, w := range weights {
			sum += w.value * float64(len(w.name)+i)
		}
	}
	return sum
}

// scan looks for entries by something else than their key. Rewritten with a second map.
func scan(rewrite string) func() any {
	all := users(300)
	m := make(map[string]user)
	byMail := make(map[string]user)
	for _, u := range all {
		m[u.name], byMail[u.mail] = u, u
	}
	if rewrite == "index" {
		return func() any { return fillFoundByIndex(byMail, all, 20) }
	}
	return func() any { return fillFound(m, all, 20) }
}

func fillFound(m map[string]user, all []user, times int) int {
	n := 0
	for i := 0; i < times; i++ {
		for j := range all {
			for _, u := range m {
				if u.mail == all[j].mail {
					n++
					break
				}
			}
		}
	}
	return n
}

func fillFoundByIndex(byMail map[string]user, all []user, times int) int {
	n := 0
	for i := 0; i < times; i++ {
		for j := range all {
			if _, found := byMail[all[j].mail]; found {
				n++
			}
		}
	}
	return n
}

// shrunk loops over a map that held much once. Rewritten to copy what is left.
func shrunk(rewrite string) func() any {
	m := make(map[int]int)
	for i := 0; i < 100_000; i++ {
		m[i] = i
	}
	for i := 100; i < 100_000; i++ {
		delete(m, i)
	}
	if rewrite == "copy" {
		left := make(map[int]int)
		for key, value := range m {
			left[key] = value
		}
		m = left
	}
	return func() any { return fillSum(m, 30) }
}

func fillSum(m map[int]int, times int) int {
	sum := 0
	for i := 0; i < times; i++ {
		for key := range m {
			sum += key
		}
	}
	return sum
}

// cleared uses a map for few entries that held much once. Rewritten with a new map each time.
func cleared(rewrite string) func() any {
	m := make(map[int]int)
	for i := 0; i < 20_000; i++ {
		m[i] = i
	}
	all := random().Perm(3000)
	if rewrite == "new" {
		return func() any { return fillNew(all, 6) }
	}
	return func() any { return fillCleared(m, all, 6) }
}

func fillCleared(m map[int]int, all []int, each int) int {
	n := 0
	for at := 0; at+each <= len(all); at += each {
		clear(m)
		for _, number := range all[at : at+each] {
			m[number] = at
		}
		n += len(m)
	}
	return n
}

func fillNew(all []int, each int) int {
	n := 0
	for at := 0; at+each <= len(all); at += each {
		m := make(map[int]int)
		for _, number := range all[at : at+each] {
			m[number] = at
		}
		n += len(m)
	}
	return n
}

// pending reads a map whose last growth never ended. Rewritten with a hint.
func pending(rewrite string) func() any {
	const n = 6656 // 1,024 buckets are full, and the next insert begins a growth.
	hint := 0
	if rewrite == "presize" {
		hint = n + 1
	}
	m := make(map[int]int, hint)
	for i := 0; i <= n; i++ {
		m[i*7] = i
	}
	keys := random().Perm(n)
	return func() any { return fillReads(m, keys) }
}

func fillReads(m map[int]int, keys []int) int {
	sum := 0
	for i := 0; i < 20; i++ {
		for _, key := range keys {
			sum += m[key*7]
		}
	}
	return sum
}

// several does three of these works one after the other. Rewritten in all of them.
func several(rewrite string) func() any {
	names := [3]string{"none", "none", "none"}
	if rewrite == "all" {
		names = [3]string{"presize", "slices", "struct"}
	}
	first, second, third := tallies(names[0]), postings(names[1]), printed(names[2])
	return func() any {
		first()
		second()
		return third()
	}
}
