//! Build information and build ids that the linker leaves in the file.

use wire::varint_len;

use crate::LinkAddr;
use crate::image::Image;

/// What `go version -m` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildInfo {
    /// `go1.24.11`, with experiments as the toolchain writes them: `go1.24.11 X:noswissmap`.
    pub go_version: String,
    /// Import path of the main package; empty when not recorded.
    pub path: String,
    /// Path and version of the main module; empty when not recorded.
    pub main_module: String,
    /// Settings such as `GOARCH=amd64`, `-ldflags=-s -w`, `vcs.revision=…`, in file order.
    pub settings: Vec<(String, String)>,
}

/// Source: debug/buildinfo/buildinfo.go, Go 1.27.
const MAGIC: &[u8] = b"\xff Go buildinf:";
const FLAGS_AT: u64 = 15;
const FLAG_INLINE_STRINGS: u8 = 2;
const STRINGS_AT: u64 = 32;
/// 16 marker bytes stand before and after the module text.
const MARKER: usize = 16;

impl BuildInfo {
    /// Reads the block written by Go 1.18 and later; `None` when there is none.
    pub(crate) fn read(image: &Image<'_>) -> Option<Self> {
        let addr = find(image)?;
        if image.u8(offset(addr, FLAGS_AT))? & FLAG_INLINE_STRINGS == 0 {
            return None;
        }
        let version = image.varint_str(offset(addr, STRINGS_AT))?;
        let n_bytes = version.len() as u64;
        let after = offset(addr, STRINGS_AT + varint_len(n_bytes) as u64 + n_bytes);
        let module = module_text(image, after).unwrap_or("");
        let mut info = Self {
            go_version: version.to_owned(),
            path: String::new(),
            main_module: String::new(),
            settings: Vec::new(),
        };
        module.lines().for_each(|line| info.add_line(line));
        Some(info)
    }

    fn add_line(&mut self, line: &str) {
        match line.split_once('\t') {
            Some(("path", path)) => self.path = path.to_owned(),
            Some(("mod", module)) => {
                self.main_module = module.split('\t').take(2).collect::<Vec<_>>().join(" ");
            }
            Some(("build", setting)) => {
                let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
                self.settings.push((name.to_owned(), value.trim_matches('"').to_owned()));
            }
            _ => {}
        }
    }
}

/// The text between the markers; it may be any bytes around them, so only what is between is checked to be text.
fn module_text<'a>(image: &Image<'a>, addr: LinkAddr) -> Option<&'a str> {
    let mut bytes = image.from(addr)?;
    let len = usize::try_from(crate::image::read_varint(&mut bytes)?).ok()?;
    let text = bytes.get(..len)?.get(MARKER..len.checked_sub(MARKER)?)?;
    std::str::from_utf8(text).ok()
}

fn find(image: &Image<'_>) -> Option<LinkAddr> {
    if let Some((addr, bytes)) = image.section(".go.buildinfo") {
        return bytes.starts_with(MAGIC).then_some(addr);
    }
    let writable = image.segments.iter().filter(|segment| segment.is_writable);
    writable.into_iter().find_map(|segment| {
        let at = memchr::memmem::find_iter(segment.bytes, MAGIC).find(|at| at % 16 == 0)?;
        Some(LinkAddr(segment.addr.wrapping_add(at as u64)))
    })
}

fn offset(addr: LinkAddr, by: u64) -> LinkAddr {
    LinkAddr(addr.0.wrapping_add(by))
}

/// The GNU build id as hexadecimal.
pub(crate) fn gnu_build_id(image: &Image<'_>) -> Option<String> {
    let id = note(image, ".note.gnu.build-id", b"GNU\0")?;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Go's own build id, which `go tool buildid` prints.
pub(crate) fn go_build_id(image: &Image<'_>) -> Option<String> {
    let id = note(image, ".note.go.buildid", b"Go\0\0")?;
    std::str::from_utf8(id).ok().map(str::to_owned)
}

/// Content of a note section with a name of four bytes.
fn note<'a>(image: &Image<'a>, section: &str, name: &[u8; 4]) -> Option<&'a [u8]> {
    let (_, bytes) = image.section(section)?;
    let len = usize::try_from(crate::image::u32_at(bytes, 4)?).ok()?;
    let is_named = bytes.get(12..16)? == name;
    is_named.then(|| bytes.get(16..)?.get(..len)).flatten()
}
