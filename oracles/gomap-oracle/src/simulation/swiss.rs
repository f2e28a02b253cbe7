//! Maps from Go 1.24 on: groups of 8 slots, tables of at most 1024 slots, a directory of tables.
//!
//! 1. Up to 8 entries live in one group. The ninth makes it a table of 16 slots.
//! 2. A table that is 7/8 full, tombstones included, becomes one of twice the slots; one of 1024 slots becomes two.
//! 3. The first bits of the hash choose the table by the directory, which doubles when a table splits beyond it. The
//!    last 7 bits stand in the control word of the group, those between choose the group where probing begins.
//! 4. A deletion leaves a tombstone in a group without empty slot. Tombstones go when the table grows, when the map is
//!    cleared, or, for some key types, when a full table finds that it has many that no probe needs.
//!
//! Source: internal/runtime/maps/map.go, table.go, group.go, runtime*.go of Go 1.24 to 1.27; single functions are named
//! where they are modelled.

use gomap::blocks::{
    DIRECTORY_ENTRY_BYTES, FIRST_TABLE_SLOTS, GROUP_SLOTS, MAX_TABLE_SLOTS, TABLE_BYTES,
};
use gomap::{GrowKind, MapShape};

use super::lanes::{self, HIGH_BITS, LOW_BITS};
use super::ledger::Ledger;
use super::{Held, State, TableState};

const SLOTS: usize = GROUP_SLOTS as usize;
const EMPTY: u8 = 0x80;
const DELETED: u8 = 0xfe;

/// Slots and control word of one group.
#[derive(Debug, Clone, Copy)]
struct Group {
    ctrl: u64,
    hashes: [u64; SLOTS],
}

impl Group {
    const EMPTY: Self = Self { ctrl: EMPTY as u64 * LOW_BITS, hashes: [0; SLOTS] };

    fn find(&self, hash: u64) -> Option<usize> {
        let matches = lanes::equal(self.ctrl, (hash & 0x7f) as u8);
        lanes::all(matches).find(|&slot| self.hashes[slot] == hash)
    }

    fn empty(&self) -> u64 {
        self.ctrl & !(self.ctrl << 6) & HIGH_BITS
    }

    fn deleted(&self) -> u64 {
        self.free() & !self.empty()
    }

    /// Empty or deleted.
    fn free(&self) -> u64 {
        self.ctrl & HIGH_BITS
    }

    fn full(&self) -> impl Iterator<Item = u64> {
        lanes::all(!self.ctrl & HIGH_BITS).map(|slot| self.hashes[slot])
    }

    fn mark(&mut self, slot: usize, ctrl: u8) {
        self.ctrl = lanes::with(self.ctrl, slot, ctrl);
    }

    fn put(&mut self, slot: usize, hash: u64) {
        self.mark(slot, (hash & 0x7f) as u8);
        self.hashes[slot] = hash;
    }
}

#[derive(Debug, Clone)]
struct Table {
    groups: Vec<Group>,
    used: u64,
    growth_left: u64,
    local_depth: u32,
    /// First entry of the directory that leads here.
    index: usize,
}

/// Where an entry goes.
enum Place {
    /// It is there.
    Found,
    /// Into a slot that is empty.
    Empty { group: usize, slot: usize },
    /// In place of a tombstone.
    Deleted { group: usize, slot: usize },
}

impl Table {
    fn new(slots: u64, index: usize, local_depth: u32) -> Self {
        let groups = vec![Group::EMPTY; (slots / GROUP_SLOTS) as usize];
        Self { groups, used: 0, growth_left: slots / GROUP_SLOTS * 7, local_depth, index }
    }

    fn slots(&self) -> u64 {
        self.groups.len() as u64 * GROUP_SLOTS
    }

    fn exponent(&self) -> u32 {
        self.groups.len().ilog2()
    }

    /// Groups in the order in which they are probed.
    ///
    /// Source: table.go (`probeSeq`) of Go 1.24 to 1.27.
    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.groups.len() - 1;
        let mut offset = (hash >> 7) as usize & mask;
        let mut step = 0;
        std::iter::from_fn(move || {
            let probed = offset;
            step += 1;
            offset = (offset + step) & mask;
            Some(probed)
        })
    }

    /// The group where probing begins.
    fn home(&self, hash: u64) -> &Group {
        &self.groups[(hash >> 7) as usize & (self.groups.len() - 1)]
    }

    fn find(&self, hash: u64) -> Option<(usize, usize)> {
        for group in self.probe(hash) {
            if let Some(slot) = self.groups[group].find(hash) {
                return Some((group, slot));
            }
            if self.groups[group].empty() != 0 {
                break;
            }
        }
        None
    }

    fn place(&self, hash: u64) -> Place {
        let mut tombstone = None;
        for index in self.probe(hash) {
            let group = &self.groups[index];
            if group.find(hash).is_some() {
                return Place::Found;
            }
            let deleted = || lanes::first(group.deleted()).map(|slot| (index, slot));
            tombstone = tombstone.or_else(deleted);
            if let Some(slot) = lanes::first(group.empty()) {
                return match tombstone {
                    Some((group, slot)) => Place::Deleted { group, slot },
                    None => Place::Empty { group: index, slot },
                };
            }
        }
        unreachable!("a table always has empty slots")
    }

    fn put(&mut self, group: usize, slot: usize, hash: u64) {
        self.groups[group].put(slot, hash);
        self.growth_left -= 1;
        self.used += 1;
    }

    /// Puts an entry that is not there.
    ///
    /// Source: table.go (`uncheckedPutSlot`) of Go 1.24 to 1.27.
    fn put_new(&mut self, hash: u64) {
        for group in self.probe(hash) {
            if let Some(slot) = lanes::first(self.groups[group].free()) {
                return self.put(group, slot, hash);
            }
        }
    }

    fn full(&self) -> impl Iterator<Item = u64> {
        self.groups.iter().flat_map(Group::full)
    }

    /// Source: table.go (`Delete`) of Go 1.24 to 1.27.
    fn delete(&mut self, hash: u64) -> bool {
        let Some((group, slot)) = self.find(hash) else { return false };
        let group = &mut self.groups[group];
        self.used -= 1;
        if group.empty() != 0 {
            group.mark(slot, EMPTY);
            self.growth_left += 1;
        } else {
            group.mark(slot, DELETED);
        }
        true
    }

    fn clear(&mut self) {
        *self = Self::new(self.slots(), self.index, self.local_depth);
    }

    /// Empties the tombstones of groups that no probe has to pass, when a tenth of the table can be won.
    ///
    /// Source: table.go (`pruneTombstones`) of Go 1.25 to 1.27.
    fn prune(&mut self) {
        let slots = self.slots();
        let n_tombstones = slots / 8 * 7 - self.used - self.growth_left;
        if n_tombstones * 10 < slots {
            return;
        }
        let passed = self.passed_groups();
        let unneeded = |index: &usize| !passed[*index];
        let freed: u32 = (0..self.groups.len())
            .filter(unneeded)
            .map(|index| self.groups[index].free().count_ones())
            .sum();
        if u64::from(freed) * 10 < slots {
            return;
        }
        for index in (0..self.groups.len()).filter(unneeded) {
            let group = &mut self.groups[index];
            for slot in lanes::all(group.free()) {
                group.mark(slot, EMPTY);
            }
        }
        self.growth_left += u64::from(freed);
    }

    /// Groups whose tombstones must stay: those that a probe passes on its way, and those that stop probes anyway.
    fn passed_groups(&self) -> Vec<bool> {
        let mut passed: Vec<bool> = self.groups.iter().map(|group| group.empty() != 0).collect();
        for (home, group) in self.groups.iter().enumerate() {
            for hash in group.full() {
                for on_way in self.probe(hash).take_while(|&index| index != home) {
                    passed[on_way] |= self.groups[on_way].free() != 0;
                }
            }
        }
        passed
    }
}

#[derive(Debug, Clone)]
pub(super) struct Map {
    shape: MapShape,
    used: u64,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Nothing,
    Small(Group),
    Tables(Directory),
}

#[derive(Debug, Clone)]
struct Directory {
    global_depth: u32,
    /// Shape: 2^global_depth indices into `tables`.
    entries: Vec<u32>,
    tables: Vec<Table>,
}

impl Map {
    pub(super) fn new(shape: MapShape, hint: u64, ledger: &mut Ledger) -> Self {
        let content = match shape.tables_for_hint(hint) {
            None => Content::Nothing,
            Some((global_depth, slots)) => {
                let n_tables: u32 = 1 << global_depth;
                ledger.take(directory_block(ledger, u64::from(n_tables)));
                let new_table = |index| new_table(&shape, ledger, slots, index, global_depth);
                Content::Tables(Directory {
                    global_depth,
                    entries: (0..n_tables).collect(),
                    tables: (0..n_tables as usize).map(new_table).collect(),
                })
            }
        };
        Self { shape, used: 0, content }
    }

    pub(super) fn slots(&self) -> u64 {
        match &self.content {
            Content::Nothing => 0,
            Content::Small(_) => GROUP_SLOTS,
            Content::Tables(directory) => directory.tables.iter().map(Table::slots).sum(),
        }
    }

    pub(super) fn held(&self) -> Held {
        let array = |exponent| self.shape.array(exponent).block_bytes;
        let (objects, arrays) = match &self.content {
            Content::Nothing => (0, 0),
            Content::Small(_) => (1, array(0)),
            Content::Tables(directory) => {
                let tables = &directory.tables;
                let arrays = tables.iter().map(|table| array(table.exponent())).sum();
                (1 + 2 * tables.len() as u64, arrays)
            }
        };
        let pointer_free_bytes = if self.shape.has_pointers() { 0 } else { arrays };
        Held { objects, pointer_free_bytes }
    }

    /// Source: runtime.go (`runtime_mapassign`) and its fast variants, of Go 1.24 to 1.27.
    #[inline(always)]
    pub(super) fn set(&mut self, hash: u64, ledger: &mut Ledger) -> bool {
        let is_new = match &mut self.content {
            Content::Tables(directory) => directory.set(&self.shape, hash, ledger),
            _ => self.set_small(hash, ledger),
        };
        self.used += u64::from(is_new);
        is_new
    }

    #[inline(never)]
    fn set_small(&mut self, hash: u64, ledger: &mut Ledger) -> bool {
        if matches!(self.content, Content::Nothing) {
            ledger.take(self.shape.array(0).block_bytes);
            self.content = Content::Small(Group::EMPTY);
        }
        let Content::Small(group) = &mut self.content else { return false };
        if self.used < GROUP_SLOTS || !self.shape.map().full_small_update_grows {
            if group.find(hash).is_some() {
                return false;
            }
            if let Some(slot) = lanes::first(group.free()) {
                group.put(slot, hash);
                return true;
            }
        }
        let mut directory = Directory::of_small(&self.shape, group, ledger);
        let is_new = directory.set(&self.shape, hash, ledger);
        self.content = Content::Tables(directory);
        is_new
    }

    /// Source: map.go (`Delete`, `deleteSmall`) of Go 1.24 to 1.27.
    pub(super) fn delete(&mut self, hash: u64) -> bool {
        let was_there = match &mut self.content {
            Content::Nothing => false,
            Content::Small(group) => {
                let slot = group.find(hash);
                slot.inspect(|&slot| group.mark(slot, EMPTY)).is_some()
            }
            Content::Tables(directory) => directory.table_mut(hash).delete(hash),
        };
        self.used -= u64::from(was_there);
        was_there
    }

    /// Source: map.go (`Clear`, `clearSmall`), table.go (`Clear`) of Go 1.24 to 1.27.
    pub(super) fn clear(&mut self) {
        let keeps_tombstones = self.shape.map().clear_keeps_tombstones && self.used == 0;
        match &mut self.content {
            Content::Nothing => {}
            Content::Small(group) => *group = Group::EMPTY,
            Content::Tables(_) if keeps_tombstones => {}
            Content::Tables(directory) => directory.tables.iter_mut().for_each(Table::clear),
        }
        self.used = 0;
    }

    pub(super) fn state(&self) -> State {
        let Content::Tables(directory) = &self.content else {
            return State::Swiss { global_depth: None, tables: Vec::new() };
        };
        let mut tables: Vec<&Table> = directory.tables.iter().collect();
        tables.sort_by_key(|table| table.index);
        let state = |table: &&Table| TableState {
            used: table.used,
            slots: table.slots(),
            growth_left: table.growth_left,
            local_depth: table.local_depth,
        };
        State::Swiss {
            global_depth: Some(directory.global_depth),
            tables: tables.iter().map(state).collect(),
        }
    }
}

impl Directory {
    /// Source: map.go (`growToTable`) of Go 1.24 to 1.27.
    fn of_small(shape: &MapShape, group: &Group, ledger: &mut Ledger) -> Self {
        let mut table = new_table(shape, ledger, FIRST_TABLE_SLOTS, 0, 0);
        group.full().for_each(|hash| table.put_new(hash));
        ledger.grow(GrowKind::SmallToTable, table.used);
        ledger.moved += table.used;
        ledger.take(directory_block(ledger, 1));
        ledger.release(shape.array(0).block_bytes);
        Self { global_depth: 0, entries: vec![0], tables: vec![table] }
    }

    /// Index into `tables`. Source: map.go (`directoryIndex`) of Go 1.24 to 1.27.
    fn table_of(&self, hash: u64) -> usize {
        // In two steps, since shifting by all 64 bits is not defined.
        let entry = (hash >> 1) >> (63 - self.global_depth);
        self.entries[entry as usize] as usize
    }

    fn table_mut(&mut self, hash: u64) -> &mut Table {
        let index = self.table_of(hash);
        &mut self.tables[index]
    }

    /// Most keys that are there are found where probing begins. Inlined, so that overwriting does not go through what
    /// insertions need.
    #[inline(always)]
    fn set(&mut self, shape: &MapShape, hash: u64, ledger: &mut Ledger) -> bool {
        let id = self.table_of(hash);
        let is_there = self.tables[id].home(hash).find(hash).is_some();
        !is_there && self.set_in(id, shape, hash, ledger)
    }

    #[inline(never)]
    fn set_in(&mut self, mut id: usize, shape: &MapShape, hash: u64, ledger: &mut Ledger) -> bool {
        loop {
            let table = &mut self.tables[id];
            let (group, slot) = match table.place(hash) {
                Place::Found => return false,
                Place::Empty { group, slot } => (group, slot),
                Place::Deleted { group, slot } => {
                    table.growth_left += 1;
                    (group, slot)
                }
            };
            if table.growth_left == 0 && shape.prunes() {
                table.prune();
            }
            if table.growth_left > 0 {
                table.put(group, slot, hash);
                return true;
            }
            self.rehash(shape, id, ledger);
            id = self.table_of(hash);
        }
    }

    /// Source: table.go (`rehash`, `grow`) of Go 1.24 to 1.27.
    fn rehash(&mut self, shape: &MapShape, id: usize, ledger: &mut Ledger) {
        let old = &self.tables[id];
        ledger.moved += old.used;
        let slots = 2 * old.slots();
        if slots > MAX_TABLE_SLOTS {
            return self.split(shape, id, ledger);
        }
        ledger.grow(GrowKind::Table, old.used);
        let mut grown = new_table(shape, ledger, slots, old.index, old.local_depth);
        old.full().for_each(|hash| grown.put_new(hash));
        release_table(shape, ledger, old);
        self.tables[id] = grown;
    }

    /// Source: table.go (`split`), map.go (`installTableSplit`) of Go 1.24 to 1.27.
    fn split(&mut self, shape: &MapShape, id: usize, ledger: &mut Ledger) {
        ledger.grow(GrowKind::Split, self.tables[id].used);
        let depth = self.tables[id].local_depth + 1;
        let mut left = new_table(shape, ledger, MAX_TABLE_SLOTS, 0, depth);
        let mut right = new_table(shape, ledger, MAX_TABLE_SLOTS, 0, depth);
        for hash in self.tables[id].full() {
            let is_right = hash >> (64 - depth) & 1 == 1;
            if is_right { &mut right } else { &mut left }.put_new(hash);
        }
        release_table(shape, ledger, &self.tables[id]);
        if depth > self.global_depth {
            self.double(ledger);
        }
        let n_entries = 1 << (self.global_depth - depth);
        left.index = self.tables[id].index;
        right.index = left.index + n_entries;
        self.entries[right.index..][..n_entries].fill(self.tables.len() as u32);
        self.tables[id] = left;
        self.tables.push(right);
    }

    fn double(&mut self, ledger: &mut Ledger) {
        let n_entries = self.entries.len() as u64;
        ledger.take(directory_block(ledger, 2 * n_entries));
        ledger.release(directory_block(ledger, n_entries));
        self.entries = self.entries.iter().flat_map(|&table| [table, table]).collect();
        self.tables.iter_mut().for_each(|table| table.index *= 2);
        self.global_depth += 1;
    }
}

fn new_table(shape: &MapShape, ledger: &mut Ledger, slots: u64, index: usize, depth: u32) -> Table {
    let table = Table::new(slots, index, depth);
    ledger.take(TABLE_BYTES);
    ledger.take(shape.array(table.exponent()).block_bytes);
    table
}

fn release_table(shape: &MapShape, ledger: &mut Ledger, table: &Table) {
    ledger.release(TABLE_BYTES + shape.array(table.exponent()).block_bytes);
}

fn directory_block(ledger: &Ledger, n_entries: u64) -> u64 {
    ledger.malloc.block(DIRECTORY_ENTRY_BYTES * n_entries, true)
}
