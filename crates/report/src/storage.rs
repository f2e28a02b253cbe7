//! Writes to files and devices, in words and as tables.

use evidence::words::plural;
use evidence::{BlockWrites, DurableWrites, IoCalls, IoSite, ProcessStorage, WriteSizes};
use maud::{Markup, html};

use crate::numbers::{NOT_MEASURED, bytes, count, counted, duration, ratio};
use crate::words;

/// Lines that are named.
const MAX_SITES: usize = 5;

/// Sentences about what was written, and where.
pub(crate) fn lines(storage: &ProcessStorage) -> Vec<String> {
    if let Some(line) = nothing_waited(storage) {
        return vec![line];
    }
    let mut lines = process_lines(storage);
    lines.extend(storage.sites.iter().take(MAX_SITES).map(site_line));
    if let Some(more) = storage.sites.len().checked_sub(MAX_SITES).filter(|&more| more > 0) {
        lines.push(format!("and {more} more {}, see --json", plural(more as u64, "line")));
    }
    lines.push(
        "Maps have no part in this: their write amplification moves entries in memory.".to_owned(),
    );
    lines
}

/// The one sentence about a program that waits for no device: it writes to sockets, to its output, or leaves writing to the
/// kernel. `None` when it does wait, or when that was not recorded.
fn nothing_waited(storage: &ProcessStorage) -> Option<String> {
    let (writes, syncs) = (storage.writes?, storage.syncs?);
    let n_durable = storage.durable.as_ref()?.writes.n;
    let n_requests = storage.blocks.map_or(0, |blocks| blocks.n);
    let (n, asked) = (counted(writes.n, "writing call"), bytes(writes.bytes));
    let requests = storage.blocks.map_or("", |_| ", and its threads sent no request to one");
    (syncs.n == 0 && n_durable == 0 && n_requests == 0).then(|| {
        format!(
            "{n} for {asked} (sockets, pipes, files), time in them: {}; no call waited for a device{requests}",
            time(writes)
        )
    })
}

/// Sentences about what was written.
pub(crate) fn process_lines(storage: &ProcessStorage) -> Vec<String> {
    let mut lines = Vec::new();
    match storage.writes {
        Some(writes) => {
            let median = storage.write_sizes.as_ref().map_or(String::new(), |sizes| {
                let (half, most) = (bytes(sizes.p50_bytes), bytes(sizes.p95_bytes));
                format!(", half of them of at most {half}, 95 % of at most {most}")
            });
            let (n, asked) = (counted(writes.n, "writing call"), bytes(writes.bytes));
            lines.push(format!("{n} for {asked}{median}; time in them: {}", time(writes)));
        }
        None => {
            lines.push(format!("writing calls: {NOT_MEASURED} (record -e 'syscalls:sys_*_write')"));
        }
    }
    match storage.syncs {
        Some(syncs) => lines.push(format!(
            "{} calls that wait for the device; time in them: {}",
            count(syncs.n),
            time(syncs)
        )),
        None => lines.push(format!(
            "calls that wait for the device: {NOT_MEASURED} (record -e 'syscalls:sys_*_fsync')"
        )),
    }
    lines.extend(storage.durable.iter().map(|durable| durable_line(durable, storage.duration_ns)));
    match storage.blocks {
        Some(blocks) => lines.extend(block_lines(blocks, storage)),
        None => lines
            .push(format!("requests to devices: {NOT_MEASURED} (record -e block:block_rq_issue)")),
    }
    lines
}

/// "of these, 4,000 writing calls for 62.5 KiB are synced or written through, by 4,000 sync calls; a thread ...".
fn durable_line(durable: &DurableWrites, duration_ns: u64) -> String {
    let waited = match durable.waited_ns {
        Some(ns) => format!("{} of {}", duration(ns), duration(duration_ns)),
        None => NOT_MEASURED.to_owned(),
    };
    format!(
        "of these, {} for {} are synced or written through, by {}; a thread or more was in these calls for {waited}",
        counted(durable.writes.n, "writing call"),
        bytes(durable.writes.bytes),
        counted(durable.syncs.n, "sync call")
    )
}

/// "main.(*log).append log.go:41: 4,000 writing calls for 62.5 KiB, half of at most 16 B, ...".
fn site_line(site: &IoSite) -> String {
    let place = place(site);
    let mut parts = Vec::new();
    if site.writes.n > 0 {
        let sizes = site.write_sizes.as_ref().filter(|_| site.writes.n > 1);
        let median = sizes.map_or(String::new(), |sizes| {
            format!(", half of them of at most {}", bytes(sizes.p50_bytes))
        });
        let (n, asked) = (counted(site.writes.n, "writing call"), bytes(site.writes.bytes));
        parts.push(format!("{n} for {asked}{median}; time in them: {}", time(site.writes)));
    }
    if site.syncs.n > 0 {
        parts.push(format!(
            "{}; time in them: {}",
            counted(site.syncs.n, "sync call"),
            time(site.syncs)
        ));
    }
    format!("{place}: {}", parts.join("; "))
}

fn time(calls: IoCalls) -> String {
    match calls.ns {
        Some(ns) => duration(ns),
        None if calls.n == 0 => duration(0),
        None => NOT_MEASURED.to_owned(),
    }
}

fn block_lines(blocks: BlockWrites, storage: &ProcessStorage) -> Vec<String> {
    let asked =
        storage.durable.as_ref().map(|durable| durable.writes.bytes).filter(|&bytes| bytes > 0);
    let amplification = asked.map_or(String::new(), |asked| {
        format!(", {} per byte of such writes", ratio(blocks.bytes as f64 / asked as f64))
    });
    let mut lines = vec![format!(
        "{} requests of its threads wrote {} to devices{amplification}; what the kernel writes later is not among them",
        count(blocks.n),
        bytes(blocks.bytes)
    )];
    if let Some(others) = storage.blocks_of_others.filter(|others| others.n > 0) {
        lines.push(format!(
            "other processes wrote {} in {} requests meanwhile (all devices)",
            bytes(others.bytes),
            count(others.n)
        ));
    }
    lines
}

/// How large writing calls are, and the lines that write or wait, as tables.
pub(crate) fn to_html(storage: &ProcessStorage) -> Markup {
    html! {
        h2 { "Writes to storage" }
        @if let Some(sizes) = &storage.write_sizes { (histogram(sizes)) }
        div.scroll {
            table {
                thead {
                    tr {
                        th { "line" }
                        th { "writing calls" }
                        th { "bytes" }
                        th { "half of at most" }
                        th { "time in them" }
                        th { "sync calls" }
                        th { "time in them" }
                    }
                }
                tbody { @for site in &storage.sites { (site_row(site)) } }
            }
        }
        p { "Times are added up over threads. Maps have no part in this." }
    }
}

/// Writing calls by size, a bar each.
fn histogram(sizes: &WriteSizes) -> Markup {
    let largest = sizes.by_power.iter().map(|&(_, n)| n).max().unwrap_or(0).max(1);
    let width = |n: u64| format!("width:{:.1}%", 100.0 * n as f64 / largest as f64);
    html! {
        table.sizes {
            thead { tr { th { "writing calls of at most" } th { "calls" } th {} } }
            tbody {
                @for &(upto, n) in &sizes.by_power {
                    tr { td { (bytes(upto)) } td { (count(n)) } td { i style=(width(n)) {} } }
                }
            }
        }
    }
}

fn site_row(site: &IoSite) -> Markup {
    let half = site.write_sizes.as_ref().map_or(String::new(), |sizes| bytes(sizes.p50_bytes));
    let (writes, syncs) = (site.writes, site.syncs);
    let cells =
        [count(writes.n), bytes(writes.bytes), half, time(writes), count(syncs.n), time(syncs)];
    html! {
        tr {
            td { code { (place(site)) } }
            @for cell in cells { td { (cell) } }
        }
    }
}

fn place(site: &IoSite) -> String {
    site.frame.as_ref().map_or("by no known line".to_owned(), words::place)
}

#[cfg(test)]
mod tests {
    use evidence::{Source, SourceKind, Sources};

    use super::*;

    /// Of a program that made so many writing calls, none of them durable, and so many that wait.
    fn storage(n: u64, n_syncs: u64) -> ProcessStorage {
        let (name, summary) = (String::new(), String::new());
        let source = Sources::default().add(Source { name, kind: SourceKind::Perf, summary });
        let calls = |n| IoCalls { n, bytes: 10 * n, ns: Some(1_000_000 * n) };
        let durable = DurableWrites {
            writes: calls(0),
            syncs: calls(n_syncs),
            write_sizes: None,
            waited_ns: Some(0),
        };
        ProcessStorage {
            source,
            duration_ns: 1_000_000_000,
            writes: Some(calls(n)),
            syncs: Some(calls(n_syncs)),
            write_sizes: None,
            durable: Some(durable),
            sites: Vec::new(),
            blocks: None,
            blocks_of_others: None,
        }
    }

    #[test]
    fn a_program_that_waits_for_no_device_gets_one_line() {
        let said = lines(&storage(3, 0));
        let line = "3 writing calls for 30 B (sockets, pipes, files), time in them: 3.00 ms; no call waited for a device";
        assert_eq!(said, [line]);
        assert!(lines(&storage(3, 1)).len() > 1);
        let not_recorded = ProcessStorage { syncs: None, durable: None, ..storage(3, 0) };
        assert!(lines(&not_recorded).iter().any(|line| line.contains(NOT_MEASURED)));
    }
}
