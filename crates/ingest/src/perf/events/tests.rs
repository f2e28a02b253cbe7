use goperf::Callers;

use super::*;

#[test]
fn events_of_one_name_are_told_apart() {
    let events = told_apart(["cache-misses", "dTLB-load-misses", "cache-misses"].into_iter());
    assert_eq!(events, ["cache-misses", "dTLB-load-misses", "cache-misses #2"]);
}

fn event(name: &str, kind: EventKind, frequency: Option<u64>, core_kind: u32) -> Event {
    let (name, period, is_monotonic) = (name.to_owned(), None, name == "cpu-clock");
    let (callers, tracepoint) = (Callers::Listed, None);
    Event { name, kind, frequency, period, is_monotonic, callers, core_kind, tracepoint }
}

#[test]
fn cycles_of_each_kind_of_core_are_cpu_time_at_one_frequency() {
    use EventKind::{Cycles, Misses};
    let events = [
        event("cache-misses", Misses, Some(99), 4),
        event("cpu_core/cycles/", Cycles, Some(1000), 4),
        event("cpu_core/cycles/u", Cycles, Some(1000), 4),
        event("cpu_atom/cycles/", Cycles, Some(1000), 10),
        event("slow", Cycles, Some(10), 11),
    ];
    let expected = CpuEvents {
        events: vec![1, 3],
        name: "cpu_core/cycles/ and cpu_atom/cycles/".to_owned(),
        ns_per_sample: Some(1_000_000),
        is_monotonic: false,
    };
    assert_eq!(cpu_events(&events), Some(expected));
    assert_eq!(cpu_events(&[event("cycles", Cycles, None, 0)]), None);
}

#[test]
fn an_event_of_time_goes_before_cycles() {
    let cycles = event("cycles", EventKind::Cycles, Some(1000), 0);
    let events = [cycles, event("cpu-clock", EventKind::CpuTime, Some(99), 0)];
    let cpu = cpu_events(&events).map(|cpu| (cpu.events, cpu.ns_per_sample, cpu.is_monotonic));
    assert_eq!(cpu, Some((vec![1], None, true)));
}

/// `perf record -c N`: samples do not repeat what the event says of all.
#[test]
fn an_event_of_time_may_have_a_period_of_its_own() {
    let event = Event { period: Some(500), ..event("cpu-clock", EventKind::CpuTime, None, 0) };
    assert_eq!(cpu_events(&[event]).and_then(|cpu| cpu.ns_per_sample), Some(500));
}
