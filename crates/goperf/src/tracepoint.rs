//! How the fields of tracepoints are laid out: the file has the kernel's own description of each.
//!
//! Source: tools/perf/util/trace-event-read.c of Linux 6.18, for the order of the parts.

use std::collections::HashMap;

use crate::bytes::Bytes;

const MAGIC: &[u8] = b"\x17\x08\x44tracing";

/// A tracepoint of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracepoint {
    /// Such as `syscalls`.
    pub system: String,
    /// Such as `sys_enter_write`.
    pub name: String,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: String,
    offset: usize,
    size: usize,
}

impl Tracepoint {
    /// The number in a field of up to 8 bytes; `None` when the tracepoint has none of this name, or `raw` is too short.
    pub fn number(&self, name: &str, raw: &[u8]) -> Option<u64> {
        let bytes = self.bytes(name, raw)?;
        let mut number = [0; 8];
        number.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(number))
    }

    /// The text in a field, up to its first zero byte.
    pub fn text(&self, name: &str, raw: &[u8]) -> Option<String> {
        self.bytes(name, raw).map(|bytes| Bytes(bytes).text())
    }

    fn bytes<'a>(&self, name: &str, raw: &'a [u8]) -> Option<&'a [u8]> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        raw.get(field.offset..)?.get(..field.size)
    }
}

/// All tracepoints that a file describes, by their number there; what follows something unreadable is left out.
pub(crate) fn read(section: &[u8]) -> HashMap<u64, Tracepoint> {
    let mut tracepoints = HashMap::new();
    let _ = read_systems(section, &mut tracepoints);
    tracepoints
}

fn read_systems(section: &[u8], tracepoints: &mut HashMap<u64, Tracepoint>) -> Option<()> {
    let mut bytes = Bytes(section.strip_prefix(MAGIC)?);
    let _version = take_text(&mut bytes)?;
    let _byte_order_and_sizes = bytes.take(6)?;
    for _ in ["header_page", "header_event"] {
        let _name = take_text(&mut bytes)?;
        take_sized(&mut bytes)?;
    }
    for _ in 0..bytes.u32()? {
        take_sized(&mut bytes)?;
    }
    for _ in 0..bytes.u32()? {
        let system = take_text(&mut bytes)?;
        for _ in 0..bytes.u32()? {
            let format = String::from_utf8_lossy(take_sized(&mut bytes)?);
            tracepoints.extend(read_format(&system, &format));
        }
    }
    Some(())
}

fn take_text(bytes: &mut Bytes<'_>) -> Option<String> {
    let end = bytes.0.iter().position(|&byte| byte == 0)?;
    bytes.take(end + 1).map(|text| Bytes(text).text())
}

fn take_sized<'a>(bytes: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let n = usize::try_from(bytes.u64()?).ok()?;
    bytes.take(n)
}

/// Lines `name: NAME`, `ID: N` and `field:TYPE NAME[N]; offset:N; size:N; signed:N;`.
fn read_format(system: &str, format: &str) -> Option<(u64, Tracepoint)> {
    let value = |key: &str| format.lines().find_map(|line| line.trim().strip_prefix(key));
    let name = value("name: ")?.to_owned();
    let id = value("ID: ")?.trim().parse().ok()?;
    let fields = format.lines().filter_map(|line| read_field(line.trim())).collect();
    Some((id, Tracepoint { system: system.to_owned(), name, fields }))
}

fn read_field(line: &str) -> Option<Field> {
    let mut parts = line.strip_prefix("field:")?.split(';').map(str::trim);
    let declaration = parts.next()?.split('[').next()?;
    let name = declaration.rsplit([' ', '*']).next()?.to_owned();
    let mut number = |key: &str| parts.next()?.strip_prefix(key)?.parse().ok();
    Some(Field { name, offset: number("offset:")?, size: number("size:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &str = "name: block_rq_issue\nID: 7\nformat:\n\
        \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
        \tfield:const char * buf;\toffset:2;\tsize:4;\tsigned:0;\n\
        \tfield:char rwbs[10];\toffset:6;\tsize:10;\tsigned:0;\n\nprint fmt: \"x\"\n";

    #[test]
    fn fields_are_found_by_name() {
        let (id, tracepoint) = read_format("block", FORMAT).expect("the format is whole");
        assert_eq!((id, &*tracepoint.name), (7, "block_rq_issue"));
        let raw = b"\x07\x00\x10\x20\x00\x00WS\0\0\0\0\0\0\0\0";
        assert_eq!(tracepoint.number("buf", raw), Some(0x2010));
        assert_eq!(tracepoint.text("rwbs", raw).as_deref(), Some("WS"));
        assert_eq!(tracepoint.number("rwbs", raw), None, "it is no number");
        assert_eq!(tracepoint.number("missing", raw), None);
        assert_eq!(tracepoint.number("buf", &raw[..4]), None);
    }

    #[test]
    fn a_section_that_is_cut_gives_no_more_than_it_holds() {
        let mut section = MAGIC.to_vec();
        section.extend(b"0.6\0\x00\x08\x00\x10\x00\x00");
        for name in ["header_page", "header_event"] {
            section.extend(name.bytes().chain([0]).chain(3_u64.to_le_bytes()).chain(*b"abc"));
        }
        section
            .extend(0_u32.to_le_bytes().into_iter().chain(1_u32.to_le_bytes()).chain(*b"block\0"));
        section.extend(2_u32.to_le_bytes().into_iter().chain((FORMAT.len() as u64).to_le_bytes()));
        section.extend(FORMAT.bytes());
        assert_eq!(read(&section)[&7].system, "block");
        for end in 0..section.len() {
            assert!(read(&section[..end]).is_empty());
        }
    }
}
