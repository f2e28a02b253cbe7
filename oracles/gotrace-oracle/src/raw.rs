//! Bytes <-> events as they stand on the wire, one after the other, without asking whether they make sense.
//!
//! Batches are events like the others here; [`gotrace::Generations`] is the reader that knows them.

use gotrace::format::{MAX_BATCH_BYTES, MAX_FRAMES, check_limit, parse_header};
use gotrace::{Error, ErrorKind, Ev, Form, Parsed, Spec, Version};
use wire::{put_varint, take_varint};

/// Numbers of a frame: pc, function (string), file (string), line.
pub(crate) const FRAME_FIELDS: [&str; 4] = ["pc", "func", "file", "line"];

/// An event on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Type.
    pub ev: Ev,
    /// Shape: as the table says ([`gotrace::SPECS`]), then four numbers for each frame of a stack.
    pub args: Vec<u64>,
    /// What follows the arguments, for events that carry data.
    pub data: Vec<u8>,
}

/// Reads a whole trace as raw events.
///
/// # Errors
/// When the header is not that of a trace that can be read. Damage further on ends the events, and is a fault.
pub fn parse_raw(bytes: &[u8]) -> Result<(Version, Parsed<Vec<RawEvent>>), Error> {
    let (version, mut rest) = parse_header(bytes)?;
    let mut events = Vec::new();
    let mut faults = Vec::new();
    while !rest.is_empty() {
        let offset = (bytes.len() - rest.len()) as u64;
        match take_event(&mut rest, version) {
            Ok(event) => events.push(event),
            Err(kind) => {
                faults.push(kind.at(offset));
                break;
            }
        }
    }
    Ok((version, Parsed { value: events, faults }))
}

fn take_event(rest: &mut &[u8], version: Version) -> Result<RawEvent, ErrorKind> {
    let (&number, tail) = rest.split_first().ok_or(ErrorKind::Truncated)?;
    *rest = tail;
    let ev = Ev(number);
    let spec = ev.spec().filter(|spec| spec.since <= version);
    let spec = spec.ok_or(ErrorKind::Misplaced { found: number, place: "raw events" })?;
    let mut args = Vec::with_capacity(spec.args.len());
    take_args(rest, spec.args.len(), &mut args)?;
    if spec.form == Form::Frames {
        let n_frames = args.last().copied().unwrap_or(0);
        check_limit("stack", n_frames, MAX_FRAMES)?;
        take_args(rest, n_frames as usize * FRAME_FIELDS.len(), &mut args)?;
    }
    let data = if spec.form == Form::Data { take_data(rest)? } else { Vec::new() };
    Ok(RawEvent { ev, args, data })
}

fn take_args(rest: &mut &[u8], n: usize, args: &mut Vec<u64>) -> Result<(), ErrorKind> {
    for _ in 0..n {
        args.push(take_varint(rest).ok_or(ErrorKind::BadVarint)?);
    }
    Ok(())
}

fn take_data(rest: &mut &[u8]) -> Result<Vec<u8>, ErrorKind> {
    let len = take_varint(rest).ok_or(ErrorKind::BadVarint)?;
    check_limit("data", len, MAX_BATCH_BYTES)?;
    let (data, tail) = rest.split_at_checked(len as usize).ok_or(ErrorKind::Truncated)?;
    *rest = tail;
    Ok(data.to_vec())
}

/// Writes a trace; sizes of batches are padded as the runtime pads them, so that a trace of the runtime comes out as
/// it was. Arguments beyond those of the table are left out, missing ones are 0.
pub fn write_raw(version: Version, events: &[RawEvent]) -> Vec<u8> {
    let mut out = Vec::new();
    write_header(&mut out, version);
    for event in events {
        if let Some(spec) = event.ev.spec() {
            put_event(&mut out, event, spec);
        }
    }
    out
}

fn write_header(out: &mut Vec<u8>, version: Version) {
    out.extend_from_slice(format!("go 1.{} trace\0\0\0", version.minor()).as_bytes());
}

fn put_event(out: &mut Vec<u8>, event: &RawEvent, spec: &Spec) {
    out.push(event.ev.0);
    let args = event.args.iter().copied().chain(std::iter::repeat(0));
    for (name, arg) in spec.args.iter().zip(args) {
        let put = if *name == "size" { put_padded_varint } else { put_varint };
        put(out, arg);
    }
    match spec.form {
        Form::Frames => {
            let frames = event.args.get(spec.args.len()..).unwrap_or_default();
            frames.iter().for_each(|&number| put_varint(out, number));
        }
        Form::Data => {
            let is_batch = event.ev == Ev::EXPERIMENTAL_BATCH;
            let put = if is_batch { put_padded_varint } else { put_varint };
            put(out, event.data.len() as u64);
            out.extend_from_slice(&event.data);
        }
        Form::Structure | Form::Timed | Form::AllocFree => {}
    }
}

/// Appends an integer padded to ten bytes, the form of a size that the runtime fills in later.
///
/// Source: `src/runtime/tracebuf.go`, `varintReserve` (Go 1.27).
fn put_padded_varint(out: &mut Vec<u8>, value: u64) {
    for i in 0..9 {
        out.push(((value >> (7 * i)) as u8 & 0x7f) | 0x80);
    }
    out.push((value >> 63) as u8);
}

#[cfg(test)]
mod tests {
    use super::{put_padded_varint, take_varint};

    #[test]
    fn padded_integers_are_taken() {
        for value in [0, 1, 127, 128, 300, 1 << 35, u64::MAX] {
            let mut bytes = Vec::new();
            put_padded_varint(&mut bytes, value);
            assert_eq!((bytes.len(), take_varint(&mut &bytes[..])), (10, Some(value)));
        }
    }
}
