//! What no input measured, and the command that would.

use crate::finding::NotMeasured;
use evidence::{Evidence, SourceKind};

/// Gaps, the most telling first.
pub(super) fn list(evidence: &Evidence) -> Vec<NotMeasured> {
    let mut gaps = Vec::new();
    let mut gap = |what: &str, command: &str| {
        gaps.push(NotMeasured { what: what.to_owned(), command: command.to_owned() });
    };
    if evidence.cpu.is_none() {
        gap(
            "CPU time of map operations",
            "curl -o cpu.pprof 'http://HOST/debug/pprof/profile?seconds=30', or go test -cpuprofile cpu.pprof",
        );
    }
    // Without sites a binary has no lines to tell types of.
    let has_binary = evidence.sources.iter().any(|source| source.kind == SourceKind::Binary);
    let has_types = evidence.sites.iter().any(|site| site.maps.is_some());
    if !(has_types || has_binary && evidence.sites.is_empty()) {
        gap(
            "map types at each line, and which of them are nested",
            "add the binary that was profiled to the arguments",
        );
    }
    if evidence.heap.is_none() && evidence.growth.is_none() {
        gap(
            "what growth allocates, and the sizes that maps reach",
            "curl -o heap.pprof http://HOST/debug/pprof/heap, or go test -memprofile heap.pprof -memprofilerate 4096",
        );
    }
    if evidence.growth.is_none() {
        gap(
            "number of growths, entries moved and sizes that maps reach, exactly",
            "sudo mapscope record -p PID -d 30s -o recording.pb.gz, and add the file to the arguments",
        );
    }
    if evidence.trace.is_none() {
        gap(
            "how long goroutines were stopped, or had to help the collector, and where",
            "curl -o trace.out 'http://HOST/debug/pprof/trace?seconds=5', or go test -trace trace.out",
        );
    }
    if evidence.locks.is_empty() {
        gap(
            "waiting for locks around maps",
            "curl -o mutex.pprof 'http://HOST/debug/pprof/mutex?seconds=30' of a program that calls runtime.SetMutexProfileFraction, or go test -mutexprofile mutex.pprof",
        );
    }
    if evidence.misses.is_empty() {
        gap(
            "cache and TLB misses at map sites",
            "perf record -g -e cycles/freq=99/ -e cache-misses/freq=99/ -e dTLB-load-misses/freq=99/ -p PID, where the processor counts them, and add perf.data and the binary",
        );
    }
    gaps
}
