// Package load is what both programs share: flags, profiles, and a stream of requests to count.
package load

import (
	"flag"
	"fmt"
	"log"
	"math/rand"
	"net/http"
	_ "net/http/pprof" // Serves /debug/pprof/ under -http.
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

// Counter counts the requests of one minute after the other.
type Counter interface {
	// Add counts one request.
	Add(tenant, path string)
	// Flush ends the minute: it returns the number of requests counted and starts anew.
	Flush() int
}

const (
	tenants           = 2000
	paths             = 60
	requestsPerMinute = 300_000
)

type request struct{ tenant, path string }

// Main runs the service around a counter for as long as the flags say.
func Main(counter Counter) {
	log.SetFlags(0)
	var (
		duration   = flag.Duration("duration", 3*time.Second, "how long to run")
		cpuprofile = flag.String("cpuprofile", "", "write a CPU profile to this `file`")
		memprofile = flag.String("memprofile", "", "write an allocation profile to this `file`")
		address    = flag.String("http", "", "serve /debug/pprof/ on this `address`, for example localhost:6060")
	)
	flag.Parse()
	if *memprofile != "" {
		// One sample in 64 kB instead of 512 kB: the run is short.
		runtime.MemProfileRate = 64 << 10
	}
	if *address != "" {
		go func() { log.Fatal(http.ListenAndServe(*address, nil)) }()
	}
	stop := startCPUProfile(*cpuprofile)
	counted, elapsed := run(counter, *duration)
	stop()
	writeMemProfile(*memprofile)
	fmt.Printf("%d requests in %.1f s: %.0f ns each\n",
		counted, elapsed.Seconds(), float64(elapsed.Nanoseconds())/float64(max(counted, 1)))
}

// run feeds the same minute again and again, so that every minute holds the same tenants and paths.
func run(counter Counter, duration time.Duration) (counted int, elapsed time.Duration) {
	minute := requests()
	start := time.Now()
	for elapsed < duration {
		for _, r := range minute {
			counter.Add(r.tenant, r.path)
		}
		counted += counter.Flush()
		elapsed = time.Since(start)
	}
	return counted, elapsed
}

// requests makes one minute of traffic. It is made beforehand, so that it does not show in the profile.
func requests() []request {
	random := rand.New(rand.NewSource(1))
	tenantNames := names("tenant-%04d.example.com", tenants)
	pathNames := names("/api/v1/objects/%02d", paths)
	all := make([]request, requestsPerMinute)
	for i := range all {
		all[i] = request{tenantNames[random.Intn(tenants)], pathNames[random.Intn(paths)]}
	}
	return all
}

func names(format string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return all
}

func startCPUProfile(name string) (stop func()) {
	if name == "" {
		return func() {}
	}
	f := create(name)
	if err := pprof.StartCPUProfile(f); err != nil {
		log.Fatal(err)
	}
	return func() {
		pprof.StopCPUProfile()
		closeFile(f)
	}
}

func writeMemProfile(name string) {
	if name == "" {
		return
	}
	f := create(name)
	if err := pprof.Lookup("allocs").WriteTo(f, 0); err != nil {
		log.Fatal(err)
	}
	closeFile(f)
}

func create(name string) *os.File {
	f, err := os.Create(name)
	if err != nil {
		log.Fatal(err)
	}
	return f
}

func closeFile(f *os.File) {
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}
