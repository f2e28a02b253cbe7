//! The records, one after another.

use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::bytes::Bytes;
use crate::error::{Error, ErrorKind};
use crate::header::{PerfFile, hexadecimal};
use crate::sample::{Layout, Sample};

const RECORD_MMAP: u32 = 1;
const RECORD_LOST: u32 = 2;
const RECORD_COMM: u32 = 3;
const RECORD_FORK: u32 = 7;
const RECORD_SAMPLE: u32 = 9;
const RECORD_MMAP2: u32 = 10;
const RECORD_LOST_SAMPLES: u32 = 13;
const RECORD_FINISHED_ROUND: u32 = 68;
const RECORD_AUXTRACE: u32 = 71;
const RECORD_COMPRESSED: u32 = 81;
const RECORD_COMPRESSED2: u32 = 83;
/// The process has a new name because it runs another program.
const MISC_COMM_EXEC: u16 = 1 << 13;
/// The record's build id stands in place of the file's numbers.
const MISC_BUILD_ID: u16 = 1 << 14;
const HEADER_BYTES: u64 = 8;
/// Samples that cannot be read are named one by one up to here.
const MAX_FAULTS: usize = 100;

/// What a record says.
#[derive(Debug)]
pub enum Record<'a> {
    /// An event was sampled.
    Sample(Sample<'a>),
    /// A file was mapped into a process.
    Mapping(Mapping),
    /// A process began as a copy of another.
    Fork {
        /// The new process.
        pid: u32,
        /// The one it was copied from; equal to `pid` for a new thread.
        parent: u32,
        /// When; see [`Mapping::time`].
        time: Option<u64>,
    },
    /// A process runs another program from now on: its mappings are gone.
    Exec {
        /// Process.
        pid: u32,
        /// When; see [`Mapping::time`].
        time: Option<u64>,
    },
    /// What follows is later than all that preceded the last record of this kind before this one.
    RoundEnds,
    /// Events are missing from the file.
    Lost {
        /// How many.
        n: u64,
    },
}

/// A mapped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Process.
    pub pid: u32,
    /// First address.
    pub start: u64,
    /// Units: bytes.
    pub len: u64,
    /// Where in the file the mapping begins. Units: bytes.
    pub file_offset: u64,
    /// Path, or a name in brackets.
    pub file: String,
    /// Hexadecimal, where the record has it.
    pub build_id: Option<String>,
    /// When; 0 of what was there before the recording, `None` when the record does not say. Records of several processors
    /// are not in the order of time. Units: nanoseconds of the recording's clock.
    pub time: Option<u64>,
}

impl<R: Read + Seek> PerfFile<R> {
    /// Goes through all records. What is wrong is returned, with what could not be read left out.
    pub fn read_records(&mut self, mut each: impl FnMut(Record<'_>)) -> Vec<Error> {
        let (start, len) = self.data;
        let mut faults = Vec::new();
        if let Err(error) = self.input.seek(SeekFrom::Start(start)) {
            return vec![ErrorKind::Io(error).at(start)];
        }
        let mut input =
            BufReader::with_capacity(1 << 16, (&mut self.input).take(len.unwrap_or(u64::MAX)));
        let mut body = Vec::new();
        let mut at = start;
        loop {
            let (kind, misc, size) = match next_header(&mut input, at) {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(fault) => {
                    faults.push(fault);
                    break;
                }
            };
            let wanted = u64::from(size) - HEADER_BYTES;
            body.clear();
            match (&mut input).take(wanted).read_to_end(&mut body) {
                Ok(n) if n as u64 == wanted => {}
                Ok(_) => {
                    faults.push(ErrorKind::Truncated.at(at));
                    break;
                }
                Err(error) => {
                    faults.push(ErrorKind::Io(error).at(at));
                    break;
                }
            }
            match kind {
                RECORD_AUXTRACE => {
                    // A trace of the processor follows, of the size that the record begins with.
                    let n = Bytes(&body).u64().unwrap_or(0);
                    let _ = std::io::copy(&mut (&mut input).take(n), &mut std::io::sink());
                    at = at.saturating_add(n);
                }
                RECORD_COMPRESSED | RECORD_COMPRESSED2 => {
                    faults.push(ErrorKind::Compressed.at(at));
                    break;
                }
                RECORD_SAMPLE => match read_sample(&self.layouts, &self.event_by_id, &body) {
                    Some(sample) => each(Record::Sample(sample)),
                    None if faults.len() < MAX_FAULTS => faults.push(ErrorKind::BadSample.at(at)),
                    None => {}
                },
                _ => {
                    let time = time_of_other(&self.layouts, &self.event_by_id, &body);
                    if let Some(record) = read_other(kind, misc, &body, time) {
                        each(record);
                    }
                }
            }
            at = at.saturating_add(u64::from(size));
        }
        faults
    }
}

/// Kind, flags and size of the next record; `None` at the end.
fn next_header(input: &mut impl Read, at: u64) -> Result<Option<(u32, u16, u16)>, Error> {
    let mut header = Vec::new();
    input
        .take(HEADER_BYTES)
        .read_to_end(&mut header)
        .map_err(|error| ErrorKind::Io(error).at(at))?;
    if header.is_empty() {
        return Ok(None);
    }
    let mut bytes = Bytes(&header);
    let mut read = || Some((bytes.u32()?, bytes.u16()?, bytes.u16()?));
    match read() {
        Some((_, _, size)) if u64::from(size) < HEADER_BYTES => {
            Err(ErrorKind::Size { what: "record", found: size.into() }.at(at))
        }
        Some(header) => Ok(Some(header)),
        None => Err(ErrorKind::Truncated.at(at)),
    }
}

fn read_sample<'a>(
    layouts: &[Layout],
    event_by_id: &HashMap<u64, usize>,
    body: &'a [u8],
) -> Option<Sample<'a>> {
    let first = *layouts.first()?;
    let event = match layouts {
        [_] => 0,
        _ => {
            let id = Bytes(body.get(first.id_offset()?..)?).u64()?;
            *event_by_id.get(&id)?
        }
    };
    layouts.get(event)?.read(event, body)
}

/// Records that perf wrote itself have the id 0: they are laid out by the first event.
fn time_of_other(
    layouts: &[Layout],
    event_by_id: &HashMap<u64, usize>,
    body: &[u8],
) -> Option<u64> {
    let first = *layouts.first()?;
    let id = || Bytes(body.get(body.len().checked_sub(8)?..)?).u64();
    let event = id().filter(|_| first.ends_with_id()).and_then(|id| event_by_id.get(&id));
    event.and_then(|&event| layouts.get(event)).unwrap_or(&first).time_of_other(body)
}

fn read_other<'a>(kind: u32, misc: u16, body: &[u8], time: Option<u64>) -> Option<Record<'a>> {
    let mut bytes = Bytes(body);
    match kind {
        RECORD_MMAP | RECORD_MMAP2 => {
            let (pid, _tid) = (bytes.u32()?, bytes.u32()?);
            let (start, len, file_offset) = (bytes.u64()?, bytes.u64()?, bytes.u64()?);
            let mut build_id = None;
            if kind == RECORD_MMAP2 {
                let numbers = bytes.take(24)?;
                let _protection_and_flags = bytes.u64()?;
                let n = usize::from(numbers[0]).min(20);
                build_id = (misc & MISC_BUILD_ID != 0).then(|| hexadecimal(&numbers[4..4 + n]));
            }
            Some(Record::Mapping(Mapping {
                pid,
                start,
                len,
                file_offset,
                file: bytes.text(),
                build_id,
                time,
            }))
        }
        RECORD_COMM if misc & MISC_COMM_EXEC != 0 => Some(Record::Exec { pid: bytes.u32()?, time }),
        RECORD_FINISHED_ROUND => Some(Record::RoundEnds),
        RECORD_FORK => Some(Record::Fork { pid: bytes.u32()?, parent: bytes.u32()?, time }),
        RECORD_LOST => {
            let _id = bytes.u64()?;
            Some(Record::Lost { n: bytes.u64()? })
        }
        RECORD_LOST_SAMPLES => Some(Record::Lost { n: bytes.u64()? }),
        _ => None,
    }
}
