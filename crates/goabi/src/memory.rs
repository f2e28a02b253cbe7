//! Memory that holds structures of Go: of a file, a process or a core file.

/// Reads memory at the addresses that the program itself uses.
pub trait ReadMemory {
    /// Fills the buffer from an address on; false, whatever is in the buffer then, where not all of it can be read.
    fn read(&self, addr: u64, into: &mut [u8]) -> bool;

    /// A word, least significant byte first.
    fn word(&self, addr: u64) -> Option<u64> {
        let mut word = [0; 8];
        self.read(addr, &mut word).then(|| u64::from_le_bytes(word))
    }

    /// A byte.
    fn byte(&self, addr: u64) -> Option<u8> {
        let mut byte = [0];
        self.read(addr, &mut byte).then_some(byte[0])
    }
}
