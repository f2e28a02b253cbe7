// Shopload is an HTTP service as many are: reports by nested maps, an inverted index, sessions, counters per tenant that
// start over every second. bench/record-budget puts it under load.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/shopload/internal/metrics"
	"example.com/shopload/internal/search"
	"example.com/shopload/internal/session"
)

type Event struct {
	Tenant, SKU string
	Amount      float64
}

var (
	win   = metrics.NewWindow()
	index = search.New()
	sess  = session.New()
	evs   []Event
	words []string
)

func main() {
	addr := flag.String("addr", "127.0.0.1:6060", "where to listen")
	flag.Parse()
	r0 := rand.New(rand.NewSource(1))
	for i := 0; i < 4000; i++ {
		evs = append(evs, Event{"t" + strconv.Itoa(r0.Intn(20)), "sku-" + strconv.Itoa(r0.Intn(400)), r0.Float64()})
	}
	for i := 0; i < 3000; i++ {
		words = append(words, "w"+strconv.Itoa(i))
	}
	go func() {
		for range time.Tick(time.Second) {
			win.Reset()
			sess.Expire(time.Now().Unix() - 5)
			if index.Docs() > 20000 {
				index.Reset()
			}
		}
	}()
	routes := http.NewServeMux()
	routes.HandleFunc("GET /report", report)
	routes.HandleFunc("GET /ingest", ingest)
	routes.HandleFunc("GET /search", query)
	routes.HandleFunc("GET /login", login)
	log.Fatal(http.ListenAndServe(*addr, observe(routes)))
}

func observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t0 := time.Now()
		next.ServeHTTP(w, r)
		tenant := "t" + strconv.Itoa(rand.Intn(200))
		for i := 0; i < 5; i++ { // sub-operations
			win.Observe(tenant, r.URL.Path+"/"+strconv.Itoa(rand.Intn(60)), 200, time.Since(t0).Seconds()*1e3)
		}
	})
}

func report(w http.ResponseWriter, r *http.Request) {
	m := metrics.GroupBy(evs, func(e Event) string { return e.Tenant }, func(e Event) string { return e.SKU }, func(e Event) float64 { return e.Amount })
	top := map[string]float64{}
	for t, inner := range m {
		for _, v := range inner {
			top[t] += v
		}
	}
	json.NewEncoder(w).Encode(top)
}

func ingest(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	for i := 0; i < 60; i++ {
		x := rand.Intn(len(words))
		if i%2 == 0 {
			x = rand.Intn(1 + x/20)
		}
		b.WriteString(words[x])
		b.WriteByte(' ')
	}
	fmt.Fprintln(w, index.Add(b.String()))
}

func query(w http.ResponseWriter, r *http.Request) {
	q := words[rand.Intn(200)] + " " + words[rand.Intn(3000)]
	fmt.Fprintln(w, len(index.Query(q)))
}

func login(w http.ResponseWriter, r *http.Request) {
	u := rand.Intn(50000)
	s := sess.Touch(session.Key{Tenant: "t" + strconv.Itoa(u%200), User: "user-" + strconv.Itoa(u), Device: [2]uint64{uint64(u), 7}}, time.Now().Unix())
	json.NewEncoder(w).Encode(map[string]any{"seen": s.Seen, "ok": true})
}
