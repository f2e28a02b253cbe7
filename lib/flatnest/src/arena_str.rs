//! String keys of 16 bytes that cost no allocation of their own.
//!
//! Owns [`ArenaStr`], an immutable string, and [`Arena`], which makes them. A map with a `String` per entry pays an
//! allocation per insert and a cache miss per comparison. With an `ArenaStr` it pays neither for keys of up to 15
//! bytes, and one allocation for some hundred longer keys.
//!
//! 1. Text of up to 15 bytes stands in the value itself; the last byte is its length.
//! 2. Longer text is copied to the end of the arena's current chunk, a block of 16 KiB aligned to 16 KiB. The value
//!    holds the pointer, the length, the last three bytes of the text, and a mark in place of the short length.
//! 3. Text of more than a quarter chunk gets a chunk of its own, as large as needed and aligned like the others.
//! 4. A chunk begins with the number of references to it. Clearing the low bits of a text's address finds it, so a
//!    string is cloned and dropped without its arena.
//! 5. A new chunk starts with more references than it can hold texts. They belong to the arena, which passes one on
//!    with each string, without an atomic operation, and gives the rest back when it turns to another chunk or is
//!    dropped. Whoever gives back the last reference frees the chunk.
//! 6. A map that drops many strings gives their references back together, see [`releases`].
//!
//! What it does not do: share equal texts, or use the place of a dropped text again. One string keeps its chunk alive.
//!
//! Invariants:
//! - A form whose last byte is [`LONG`] is [`Form::long`], and every other form is [`Form::short`].
//! - The bytes of a text, short or long, are UTF-8 and are never written again once the string exists.
//! - Every long string owns one reference to the chunk that its text starts in.

#![allow(unsafe_code)]

mod releases;

use alloc::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use alloc::string::String;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::hint::select_unpredictable;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{self, AtomicUsize};

pub(crate) use self::releases::Releases;

/// Longest text that stands in the value itself.
const SHORT_MAX: usize = 15;
/// Last byte of a form that points to its text.
const LONG: u8 = 0xFF;
/// Alignment of all chunks. A text starts in the first so many bytes of its chunk.
const CHUNK: usize = 16 * 1024;
/// Size of a common chunk. The rest is for what allocators note beside a block: they can place chunks next to each other.
const COMMON: usize = CHUNK - 16;
/// Longer texts get a chunk of their own.
const SHARED_MAX: usize = CHUNK / 4;
/// References that a new common chunk starts with: more than texts fit in.
const CREDIT: usize = CHUNK;
/// Above this many references a chunk is no longer counted reliably.
const REFERENCES_MAX: usize = isize::MAX as usize;

/// What a chunk begins with; the texts follow.
struct Header {
    references: AtomicUsize,
    size: usize,
}

/// The form of a text of more than 15 bytes.
#[derive(Clone, Copy)]
#[repr(C)]
struct Long {
    text: *const u8,
    #[cfg(target_pointer_width = "32")]
    zero: u32,
    len: u32,
    /// The end of the text, where keys that are numbered in a row differ.
    tail: [u8; 3],
    mark: u8,
}

/// The 16 bytes of a string. `words` serves to compare them.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
union Form {
    short: [u8; 16],
    words: [u64; 2],
    long: Long,
}

const _: () = assert!(size_of::<Form>() == 16 && size_of::<ArenaStr>() == 16);

impl Form {
    /// The short form of `text`, which has at most 15 bytes.
    #[inline]
    fn short(text: &[u8]) -> Form {
        let n = text.len();
        debug_assert!(n <= SHORT_MAX);
        // Two reads that may overlap cover each length class, which spares a call of memcpy.
        let (low, high) = match *text {
            [] => (0, 0),
            [first, ..] if n < 4 => {
                let middle = u64::from(text[n / 2]) << (8 * (n / 2));
                let last = u64::from(text[n - 1]) << (8 * (n - 1));
                (u64::from(first) | middle | last, 0)
            }
            _ => match (text.first_chunk(), text.last_chunk()) {
                (Some(first), Some(last)) => {
                    // Twice, as a shift by 64 at once overflows for n = 8.
                    let rest = u64::from_le_bytes(*last) >> (8 * (SHORT_MAX - n)) >> 8;
                    (u64::from_le_bytes(*first), rest)
                }
                _ => {
                    let first = text.first_chunk().expect("the text has at least 4 bytes");
                    let last = text.last_chunk().expect("the text has at least 4 bytes");
                    let rest = u64::from(u32::from_le_bytes(*last)) << (8 * (n - 4));
                    (u64::from(u32::from_le_bytes(*first)) | rest, 0)
                }
            },
        };
        Form { words: [low.to_le(), (high | (n as u64) << 56).to_le()] }
    }

    /// The long form of `text`, of which `copy` is the copy in a chunk.
    ///
    /// # Panics
    /// When the text is longer than `u32::MAX` bytes.
    fn long(text: &[u8], copy: *const u8) -> Form {
        Form {
            long: Long {
                text: copy,
                #[cfg(target_pointer_width = "32")]
                zero: 0,
                len: u32::try_from(text.len()).expect("an ArenaStr has at most u32::MAX bytes"),
                tail: *text.last_chunk().expect("a long text has more than 15 bytes"),
                mark: LONG,
            },
        }
    }

    #[inline]
    fn words(&self) -> [u64; 2] {
        // SAFETY: all 16 bytes of each form are initialized, and any bytes are two u64.
        unsafe { self.words }
    }

    #[inline]
    fn last_byte(&self) -> u8 {
        // SAFETY: all 16 bytes of each form are initialized.
        unsafe { self.short[SHORT_MAX] }
    }

    #[inline]
    fn is_long(&self) -> bool {
        self.last_byte() == LONG
    }

    /// The fields of a long form, which mean nothing when it is a short one.
    #[inline]
    fn long_fields(&self) -> Long {
        // SAFETY: all 16 bytes are initialized, and integers and a raw pointer may have any value.
        unsafe { self.long }
    }

    /// The chunk that a long form has a reference to, `None` for a short form.
    #[inline]
    fn chunk(&self) -> Option<Chunk> {
        // SAFETY: the text of a long form starts in the first 16 KiB of a chunk, held by this form's reference.
        self.is_long().then(|| unsafe { Chunk::of(self.long_fields().text) })
    }

    #[inline]
    fn as_str(&self) -> &str {
        let (is_long, long) = (self.is_long(), self.long_fields());
        // Long and short keys mix, so a jump here would often be mispredicted.
        let text = select_unpredictable(is_long, long.text, (&raw const *self).cast());
        let short_len = usize::from(self.last_byte()) & SHORT_MAX;
        let len = select_unpredictable(is_long, long.len as usize, short_len);
        // SAFETY: the invariants: a long form's fields describe the copy of a string in a chunk that lives as long as
        // the form; a short form starts with a string whose length is the last byte.
        unsafe { core::str::from_utf8_unchecked(core::slice::from_raw_parts(text, len)) }
    }
}

/// A chunk to which its holder owns some references.
#[derive(Clone, Copy)]
struct Chunk(NonNull<Header>);

impl Chunk {
    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, CHUNK).expect("a text has less than isize::MAX bytes")
    }

    /// Allocates a chunk of `size` bytes to which the caller owns `references`.
    fn new(size: usize, references: usize) -> Chunk {
        let layout = Chunk::layout(size);
        debug_assert!(size > size_of::<Header>());
        // SAFETY: the size is not 0.
        let chunk = unsafe { alloc(layout) };
        let Some(chunk) = NonNull::new(chunk.cast::<Header>()) else { handle_alloc_error(layout) };
        // SAFETY: the block is large enough, aligned, and nobody else has it.
        unsafe { chunk.write(Header { references: AtomicUsize::new(references), size }) };
        Chunk(chunk)
    }

    /// The chunk in whose first 16 KiB `text` points.
    ///
    /// # Safety
    /// `text` comes from [`Chunk::write`], and a reference to its chunk is held while the result is used.
    unsafe fn of(text: *const u8) -> Chunk {
        let header = text.map_addr(|address| address & !(CHUNK - 1)).cast_mut().cast();
        // SAFETY: chunks are aligned to 16 KiB, so the cleared address is the chunk's first, which is not null.
        Chunk(unsafe { NonNull::new_unchecked(header) })
    }

    /// # Safety
    /// The caller holds a reference to the chunk.
    unsafe fn header<'a>(self) -> &'a Header {
        // SAFETY: while a reference is held the chunk lives, and its header is only ever read or changed atomically.
        unsafe { self.0.as_ref() }
    }

    /// Adds a reference for a further string.
    ///
    /// # Safety
    /// The caller holds a reference to the chunk.
    #[inline]
    unsafe fn retain(self) {
        // SAFETY: as demanded of the caller. A new reference is made from one that is held, so no order is needed.
        let before = unsafe { self.header() }.references.fetch_add(1, atomic::Ordering::Relaxed);
        assert!(before <= REFERENCES_MAX, "too many clones of strings in one chunk");
    }

    /// Gives `references` back, and frees the chunk with the last.
    ///
    /// # Safety
    /// The caller holds that many references, and uses none of them afterwards.
    #[inline]
    unsafe fn release(self, references: usize) {
        // SAFETY: as demanded of the caller.
        let header = unsafe { self.header() };
        if header.references.fetch_sub(references, atomic::Ordering::Release) == references {
            // Everything that others did with the chunk comes before their releases, and so before the free.
            atomic::fence(atomic::Ordering::Acquire);
            let layout = Chunk::layout(header.size);
            // SAFETY: `new` allocated the chunk with this layout, and no reference is left.
            unsafe { dealloc(self.0.as_ptr().cast(), layout) };
        }
    }

    /// Copies `text` to `offset` bytes behind the chunk's start.
    ///
    /// # Safety
    /// The caller holds a reference to the chunk; the place lies behind the header, inside the chunk, starts in its
    /// first 16 KiB, and belongs to no other text.
    unsafe fn write(self, offset: usize, text: &[u8]) -> *const u8 {
        // SAFETY: as demanded of the caller; `text` lies elsewhere, as nobody else has the place.
        unsafe {
            let copy = self.0.as_ptr().cast::<u8>().add(offset);
            copy.copy_from_nonoverlapping(text.as_ptr(), text.len());
            copy
        }
    }
}

/// Makes [`ArenaStr`]s that share chunks of memory.
///
/// Strings keep their chunk alive, so an arena may be dropped before its strings. Threads that each fill an arena of
/// their own do not disturb each other.
///
/// ```
/// let mut arena = flatnest::Arena::new();
/// let key = arena.make("a key of more than fifteen bytes");
/// drop(arena);
/// assert_eq!(key, "a key of more than fifteen bytes");
/// ```
#[derive(Default)]
pub struct Arena {
    current: Option<Current>,
}

/// The chunk that the next text goes to.
struct Current {
    chunk: Chunk,
    used: usize,
    /// References to the chunk that the arena owns. At least one is left, as `CREDIT` exceeds the texts of a chunk.
    credit: usize,
}

// SAFETY: an arena owns the unused end of its chunk and some references to it; neither is bound to a thread.
unsafe impl Send for Arena {}
// SAFETY: a shared arena can do nothing.
unsafe impl Sync for Arena {}

impl Arena {
    /// An arena without a chunk; the first long text allocates one.
    ///
    /// ```
    /// let mut arena = flatnest::Arena::new();
    /// assert_eq!(arena.make("short").len(), 5);
    /// ```
    #[must_use]
    pub const fn new() -> Arena {
        Arena { current: None }
    }

    /// A string with this text, in O(len). Allocates when the text has more than 15 bytes and the current chunk of
    /// 16 KiB is full, or when it has more than 4 KiB.
    ///
    /// # Panics
    /// When the text is longer than `u32::MAX` bytes.
    ///
    /// ```
    /// let mut arena = flatnest::Arena::new();
    /// let keys: Vec<_> = (0..100).map(|i| arena.make(&format!("sensor-temperature-{i}"))).collect();
    /// assert_eq!(keys[42], "sensor-temperature-42");
    /// ```
    #[inline]
    pub fn make(&mut self, text: &str) -> ArenaStr {
        match text.len() {
            0..=SHORT_MAX => ArenaStr(Form::short(text.as_bytes())),
            len if len <= SHARED_MAX => self.make_long(text.as_bytes()),
            _ => ArenaStr::alone(text),
        }
    }

    /// Puts a text of at most `SHARED_MAX` bytes into the current chunk.
    fn make_long(&mut self, text: &[u8]) -> ArenaStr {
        if self.current.as_ref().is_none_or(|current| COMMON - current.used < text.len()) {
            // The old chunk is given back only when the new one is there, as allocating may panic.
            let chunk = Chunk::new(COMMON, CREDIT);
            self.current = Some(Current { chunk, used: size_of::<Header>(), credit: CREDIT });
        }
        let current = self.current.as_mut().expect("a chunk with room was just seen to");
        // SAFETY: the arena holds `credit` references; the place up to `COMMON` is behind all texts made so far.
        let copy = unsafe { current.chunk.write(current.used, text) };
        current.used += text.len();
        current.credit -= 1;
        ArenaStr(Form::long(text, copy))
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        // SAFETY: the arena owns `credit` references and is done with the chunk.
        unsafe { self.chunk.release(self.credit) };
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.current.as_ref().map_or(0, |current| current.used);
        f.debug_struct("Arena").field("used_bytes", &used).finish_non_exhaustive()
    }
}

#[cfg(feature = "std")]
std::thread_local! {
    /// The arena of strings that are made without one.
    static ARENA: core::cell::RefCell<Arena> = const { core::cell::RefCell::new(Arena::new()) };
}

/// An immutable string of 16 bytes for keys of maps: short text inside, longer text in a chunk shared with others.
///
/// It hashes, compares and orders as its text, so maps look it up by `&str`. With the feature `std` it is made with
/// `ArenaStr::from`, out of an arena of the thread, else with [`Arena::make`]. Cloning is O(1) and never allocates.
///
/// A chunk of 16 KiB is freed with its last string; a [`FlatMap`](crate::FlatMap) that drops keys with their rows may
/// keep the chunks of the last of them until it drops more, is emptied or is dropped. A program that keeps a few long strings out of very many therefore
/// keeps up to 16 KiB for each of them; such strings are better kept as `String`.
///
/// ```
/// use flatnest::ArenaStr;
/// let short = ArenaStr::from("fifteen letters");
/// let long = ArenaStr::from("a key of more than fifteen bytes");
/// assert_eq!((short.len(), size_of_val(&short)), (15, 16));
/// assert!(long.starts_with("a key"));
/// ```
pub struct ArenaStr(Form);

// SAFETY: the text is never written once the string exists, and references are counted atomically.
unsafe impl Send for ArenaStr {}
// SAFETY: as above.
unsafe impl Sync for ArenaStr {}

impl ArenaStr {
    /// The text, in O(1).
    ///
    /// ```
    /// assert_eq!(flatnest::ArenaStr::from("key").as_str(), "key");
    /// ```
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether there is something to drop: the text does not stand in the value itself.
    #[inline]
    pub(crate) fn owns_memory(&self) -> bool {
        self.0.is_long()
    }

    /// A string whose text has a chunk of its own.
    fn alone(text: &str) -> ArenaStr {
        let chunk = Chunk::new(size_of::<Header>() + text.len(), 1);
        // SAFETY: the reference is held, and the place directly behind the header is as long as the text.
        let copy = unsafe { chunk.write(size_of::<Header>(), text.as_bytes()) };
        ArenaStr(Form::long(text.as_bytes(), copy))
    }
}

impl Clone for ArenaStr {
    #[inline]
    fn clone(&self) -> ArenaStr {
        if let Some(chunk) = self.0.chunk() {
            // SAFETY: this string holds a reference.
            unsafe { chunk.retain() };
        }
        ArenaStr(self.0)
    }
}

impl Drop for ArenaStr {
    #[inline]
    fn drop(&mut self) {
        if let Some(chunk) = self.0.chunk() {
            // SAFETY: this string holds a reference, and ends.
            unsafe { chunk.release(1) };
        }
    }
}

impl PartialEq for ArenaStr {
    #[inline]
    fn eq(&self, other: &ArenaStr) -> bool {
        let (a, b) = (self.0.words(), other.0.words());
        // The second word has the length and the end of the text, in both forms; the first a short text or the place.
        a[1] == b[1] && (a[0] == b[0] || self.0.is_long() && self.as_str() == other.as_str())
    }
}

impl Eq for ArenaStr {}

impl Hash for ArenaStr {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for ArenaStr {
    fn partial_cmp(&self, other: &ArenaStr) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ArenaStr {
    fn cmp(&self, other: &ArenaStr) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialEq<str> for ArenaStr {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ArenaStr {
    #[inline]
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Deref for ArenaStr {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for ArenaStr {
    #[inline]
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for ArenaStr {
    #[inline]
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Default for ArenaStr {
    /// The empty string.
    fn default() -> ArenaStr {
        ArenaStr(Form::short(&[]))
    }
}

impl fmt::Debug for ArenaStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ArenaStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl From<&ArenaStr> for ArenaStr {
    #[inline]
    fn from(text: &ArenaStr) -> ArenaStr {
        text.clone()
    }
}

impl From<ArenaStr> for String {
    fn from(text: ArenaStr) -> String {
        String::from(text.as_str())
    }
}

#[cfg(feature = "std")]
impl From<&str> for ArenaStr {
    /// Out of the thread's arena, as [`Arena::make`].
    #[inline]
    fn from(text: &str) -> ArenaStr {
        if text.len() <= SHORT_MAX {
            return ArenaStr(Form::short(text.as_bytes()));
        }
        // While a thread ends its arena may be gone already.
        ARENA
            .try_with(|arena| arena.borrow_mut().make(text))
            .unwrap_or_else(|_| ArenaStr::alone(text))
    }
}

#[cfg(feature = "std")]
impl From<&String> for ArenaStr {
    #[inline]
    fn from(text: &String) -> ArenaStr {
        ArenaStr::from(text.as_str())
    }
}

#[cfg(feature = "std")]
impl From<String> for ArenaStr {
    #[inline]
    fn from(text: String) -> ArenaStr {
        ArenaStr::from(text.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ArenaStr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(all(feature = "serde", feature = "std"))]
impl<'de> serde::Deserialize<'de> for ArenaStr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ArenaStr, D::Error> {
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = ArenaStr;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<ArenaStr, E> {
                Ok(ArenaStr::from(text))
            }
        }

        deserializer.deserialize_str(Text)
    }
}
