//! Splitting a full table of a directory in two, by a bit of its entries' hashes.
#![allow(unsafe_code)]

use core::ptr::NonNull;

use super::table::{LARGEST, TablePtr};

/// Hashes of the entries of a table.
pub(super) struct Hashes {
    hashes: [u32; LARGEST],
    n: usize,
}

impl Hashes {
    /// # Safety
    /// `n` entries lie in the block.
    pub(super) unsafe fn of<T>(block: NonNull<T>, n: usize, hash_of: impl Fn(&T) -> u32) -> Self {
        let mut hashes = [0; LARGEST];
        for (place, hash) in hashes[..n].iter_mut().enumerate() {
            // SAFETY: by the caller.
            *hash = hash_of(unsafe { block.add(place).as_ref() });
        }
        Self { hashes, n }
    }

    pub(super) fn get(&self) -> &[u32] {
        &self.hashes[..self.n]
    }

    /// So many first bits are not the same in all hashes.
    pub(super) fn first_bits_to_differ(&self) -> u32 {
        let differing = self.get().iter().fold(0, |found, hash| found | (hash ^ self.hashes[0]));
        differing.leading_zeros() + 1
    }

    /// Whether the bit after the first `depth` ones is 0 in half of the hashes at least.
    pub(super) fn are_mostly_low(&self, depth: u8) -> bool {
        2 * self.get().iter().filter(|&hash| hash << depth >> 31 == 0).count() >= self.n
    }
}

/// Moves the entries of the full table `from` whose next bit is 1, or with `!is_high` 0, to the empty table `to`, and
/// closes the gaps with the last entries that stay. Returns how many entries moved; each moves once.
///
/// # Safety
/// Both tables are alive and in a directory, and no reference to them is alive.
pub(super) unsafe fn split<T>(
    from: TablePtr<T>,
    to: TablePtr<T>,
    hashes: &mut Hashes,
    is_high: bool,
) -> usize {
    // SAFETY: two tables, by the caller.
    let (old, new) = unsafe { (from.head_mut(), to.head_mut()) };
    let (old_places, new_places) = (from.table().places(), to.table().places());
    let depth = u32::from(old.depth);
    let leaves = |hash: u32| (hash << depth >> 31 == 1) == is_high;
    let (mut n_old, mut n_new, mut n_moved) = (hashes.n, 0, 0);
    let hashes = &mut hashes.hashes;
    let mut place = 0;
    let mut leave = |place: usize, hash: u32| {
        // SAFETY: `n_new` of `LARGEST` entries left, so that there is room; each leaves once.
        unsafe {
            to.table().add_to_index(hash, n_new);
            new_places.add(n_new).copy_from_nonoverlapping(old_places.add(place), 1);
        }
        n_new += 1;
    };
    while place < n_old {
        if leaves(hashes[place]) {
            leave(place, hashes[place]);
            n_old -= 1;
            while place < n_old && leaves(hashes[n_old]) {
                leave(n_old, hashes[n_old]);
                n_old -= 1;
            }
            if place < n_old {
                hashes[place] = hashes[n_old];
                // SAFETY: the entry of `place` has left, and the last one stays.
                unsafe { old_places.add(place).copy_from_nonoverlapping(old_places.add(n_old), 1) };
                n_moved += 1;
            }
        }
        place += 1;
    }
    // SAFETY: the first `n_old` places hold the entries that stay, with these hashes.
    unsafe {
        from.table().clear_index();
        from.table().index_all(&hashes[..n_old]);
    }
    (old.len, old.n_removed, new.len) = (n_old as u16, 0, n_new as u16);
    (old.depth, new.depth) = (old.depth + 1, old.depth + 1);
    n_moved + n_new
}
