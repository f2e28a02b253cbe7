//! What no input measured, in words.

use diagnosis::finding::Gap;

/// What is not known.
pub(crate) fn gap(gap: Gap) -> &'static str {
    match gap {
        Gap::CpuTime => "CPU time of map operations",
        Gap::MapTypes => "map types at each line, and which of them are nested",
        Gap::GrowthAllocations => "what growth allocates, and the sizes that maps reach",
        Gap::Growths => "number of growths, entries moved and sizes that maps reach, exactly",
        Gap::CollectorWaits => {
            "how long goroutines were stopped, or had to help the collector, and where"
        }
        Gap::LockWaits => "waiting for locks around maps",
        Gap::Misses => "cache and TLB misses at map sites",
    }
}

/// Commands that measure it.
pub(crate) fn command(gap: Gap) -> &'static str {
    match gap {
        Gap::CpuTime => {
            "curl -o cpu.pprof 'http://HOST/debug/pprof/profile?seconds=30', or go test -cpuprofile cpu.pprof"
        }
        Gap::MapTypes => "add the binary that was profiled to the arguments",
        Gap::GrowthAllocations => {
            "curl -o heap.pprof http://HOST/debug/pprof/heap, or go test -memprofile heap.pprof -memprofilerate 4096"
        }
        Gap::Growths => {
            "sudo mapscope record -p PID -d 30s -o recording.pb.gz, and add the file to the arguments"
        }
        Gap::CollectorWaits => {
            "curl -o trace.out 'http://HOST/debug/pprof/trace?seconds=5', or go test -trace trace.out"
        }
        Gap::LockWaits => {
            "curl -o mutex.pprof 'http://HOST/debug/pprof/mutex?seconds=30' of a program that calls runtime.SetMutexProfileFraction, or go test -mutexprofile mutex.pprof"
        }
        Gap::Misses => {
            "perf record -g -e cycles/freq=99/ -e cache-misses/freq=99/ -e dTLB-load-misses/freq=99/ -p PID, where the processor counts them, and add perf.data and the binary"
        }
    }
}
