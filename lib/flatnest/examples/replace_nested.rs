//! Replaces a nested map by a flat one, and shows what growth cost both for the same entries.
//!
//! ```text
//! cargo run --release -p flatnest --features meter --example replace_nested
//! ```
#![allow(clippy::print_stdout)]

use std::collections::HashMap;

use flatnest::meter::{Figures, GrowKind, Metered, Nested};
use flatnest::{ArenaStr, FlatMap};

const N_USERS: usize = 20_000;
const N_ITEMS: usize = 12;

/// Clicks of users on items, in an order in which users alternate, as they do in a service.
fn clicks() -> impl Iterator<Item = (String, String)> {
    (0..N_ITEMS).flat_map(|item| {
        (0..N_USERS)
            .map(move |user| (format!("user-{user:07}"), format!("item-{:07}", item * 7919)))
    })
}

/// Before: a map in a map. Each row is a table that grows from nothing, and each key is a `String`.
fn count_nested() -> Metered<Nested<HashMap<String, HashMap<String, u64>>>> {
    let mut counts = Metered::new(Nested(HashMap::<String, HashMap<String, u64>>::new()));
    for (user, item) in clicks() {
        // Without the meter: *counts.entry(user).or_default().entry(item).or_default() += 1;
        *counts.get_or_insert_with(user, item, || 0) += 1;
    }
    counts
}

/// After: one map with two keys. Keys are borrowed for the search and stand in the entries.
fn count_flat() -> Metered<FlatMap<ArenaStr, ArenaStr, u64>> {
    let mut counts = Metered::new(FlatMap::new());
    for (user, item) in clicks() {
        // Without the meter: *counts.entry_ref(&*user, &*item).or_default() += 1;
        *counts.get_or_insert_ref_with(&*user, &*item, || 0) += 1;
    }
    counts
}

/// One line per figure, both maps side by side.
fn table(nested: &Figures, flat: &Figures) -> String {
    let mut text = format!("{:20}{:>14}{:>14}\n", "", "nested", "flat");
    let mut line = |name, figure: fn(&Figures) -> u64| {
        text += &format!("{name:20}{:>14}{:>14}\n", figure(nested), figure(flat));
    };
    line("inserts", |figures| figures.inserts);
    line("events of growth", |figures| {
        GrowKind::ALL.map(|kind| figures.n_grows(kind)).iter().sum()
    });
    line("entries moved", |figures| figures.moved_entries);
    line("bytes inserted", |figures| figures.inserted_bytes);
    line("bytes moved", |figures| figures.moved_bytes);
    line("bytes allocated", |figures| figures.allocated_bytes);
    let ratio = |figures: &Figures| figures.write_amplification_in_bytes().unwrap_or(1.0);
    let name = "write amplification";
    text + &format!("{name:20}{:>14.2}{:>14.2}  in bytes\n", ratio(nested), ratio(flat))
}

/// Counts with both maps, checks that they agree, and returns the figures as a table.
pub(crate) fn compare() -> String {
    let (nested, flat) = (count_nested(), count_flat());
    for (user, items) in nested.iter() {
        let row = flat.row(user.as_str()).expect("each user is in both maps");
        assert_eq!(row.len(), items.len());
    }
    table(&nested.meter().figures(), &flat.meter().figures())
}

fn main() {
    print!("{}", compare());
}
