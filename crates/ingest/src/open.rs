//! Opens an input and recognises it by its content.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};
use std::path::Path;
use std::time::Duration;

use evidence::printable;
use flate2::read::MultiGzDecoder;
use gobin::MAX_FILE_BYTES;
use gopprof::{Limits, Parsed, Profile};

use crate::converted::{Converted, of_folded};
use crate::error::Error;
use crate::folded;
use crate::folder::Named;
use crate::heap;
use crate::perf;
use crate::regular::{open_patiently, open_regular};
use crate::server::{Answer, AnswerLimits, Server, is_url, shown};
use crate::stranger;
use crate::trace_input::TraceInput;

/// Limits on what is read.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions {
    /// Units: bytes; a profile that inflates to more is refused, of a server's answer no more is read.
    pub max_inflated_bytes: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { max_inflated_bytes: Limits::default().max_inflated_bytes }
    }
}

/// An input by what its content is.
#[derive(Debug)]
pub enum Input {
    /// A profile with a `cpu` sample type.
    Cpu(Parsed<Profile>),
    /// A profile of allocations, of what is live, or of both.
    Heap(Parsed<Profile>),
    /// A profile of waits for locks: what a mutex profile and a block profile have in common.
    Contention(Parsed<Profile>),
    /// A live recording of map growth, which holds CPU samples too.
    Recording(Parsed<Profile>),
    /// An execution trace.
    Trace(TraceInput),
    /// What `perf record` wrote.
    Perf(goperf::PerfFile<File>),
    /// Profiles in another form, and what of the file could not be read.
    Converted(Vec<Converted>, Vec<String>),
    /// What `mapscope capture` says about the folder it filled.
    CaptureSummary,
    /// A profile of something else.
    OtherProfile {
        /// What it is: "a goroutine profile".
        kind: String,
    },
    /// An executable: all bytes of the file.
    Binary(Vec<u8>),
}

/// Where an ELF file says what it is, and that it is the memory of a program. Source: elf(5), `ET_CORE`.
const ELF_TYPE: usize = 16;
const ELF_CORE: u8 = 4;
/// How an executable begins.
pub(crate) const ELF: &[u8; 4] = b"\x7fELF";
const GZIP: &[u8; 2] = b"\x1f\x8b";
/// Number of bytes that tell what an input is.
pub(crate) const HEAD: usize = 512;
/// Of a text whose first line is longer, so much is looked at: a stack of 100 frames has some 5,000 bytes. Units: bytes.
const LONGEST_LINE: usize = 64 << 10;
/// How much longer than the announced `seconds=` a server may take.
const FETCH_GRACE: Duration = Duration::from_secs(30);

/// Most that is taken of a server: profiles are compressed, and of some megabytes at most. Units: bytes.
const MAX_ANSWER_BYTES: u64 = 128 << 20;

type Source = Chain<Cursor<Vec<u8>>, Box<dyn Read>>;

/// Opens a path or `http://` URL.
///
/// # Errors
/// When it cannot be opened or is none of the kinds of [`Input`].
pub fn open_input(
    name: &str,
    options: &OpenOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Input, Error> {
    let mut reader = open_reader(name, options, progress)?;
    let shown = shown(name).into_owned();
    let io_error = |source| Error::Io { name: shown.clone(), source };
    let mut head = Vec::with_capacity(HEAD);
    (&mut reader).take(HEAD as u64).read_to_end(&mut head).map_err(io_error)?;
    let mut inflated = beginning_of_gzip(&head, HEAD);
    if is_long_line(if inflated.is_empty() { &head } else { &inflated }) {
        (&mut reader).take(LONGEST_LINE as u64).read_to_end(&mut head).map_err(io_error)?;
        inflated = beginning_of_gzip(&head, LONGEST_LINE);
    }
    let reader: Source = Cursor::new(head.clone()).chain(reader);
    if head.starts_with(ELF) && head.get(ELF_TYPE) == Some(&ELF_CORE) {
        let what = "this is a core dump, not an executable".to_owned();
        return Err(Error::NotRecognised { name: shown, what });
    }
    if head.starts_with(ELF) {
        return read_executable(name, reader).map(Input::Binary);
    }
    if gotrace::is_trace(&head) {
        if let Some(file) = TraceInput::open(name) {
            return Ok(Input::Trace(file));
        }
        let mut bytes = Vec::new();
        reader.take(options.max_inflated_bytes).read_to_end(&mut bytes).map_err(io_error)?;
        return Ok(Input::Trace(TraceInput::Memory(bytes)));
    }
    if gotrace::is_trace(&inflated) {
        return inflate(reader, options.max_inflated_bytes)
            .map(|bytes| Input::Trace(TraceInput::Memory(bytes)))
            .map_err(io_error);
    }
    if goperf::is_perf_data(&head) {
        return match perf::open(name) {
            Some(file) => {
                file.map(Input::Perf).map_err(|source| Error::Perf { name: shown, source })
            }
            None => Err(Error::Unusable {
                name: shown,
                reason: "perf.data can only be read from a file".to_owned(),
            }),
        };
    }
    if head.starts_with(b"{\"mapscope_captu") {
        return Ok(Input::CaptureSummary);
    }
    let is_packed = !inflated.is_empty();
    let begins = if is_packed { &inflated } else { &head };
    let whole = |reader: Source| match is_packed {
        true => inflate(reader, options.max_inflated_bytes),
        false => read_whole(reader, options.max_inflated_bytes),
    };
    if let Some(form) = otlp::Form::of(begins) {
        let bytes = whole(reader).map_err(io_error)?;
        let parsed = otlp::parse(&bytes, form);
        let parsed = parsed.map_err(|source| Error::Otlp { name: shown, source })?;
        let profiles = parsed.value.into_iter().map(Converted::from).collect();
        let losses = parsed.faults.iter().map(|fault| format!("partly unreadable: {fault}"));
        return Ok(Input::Converted(profiles, losses.collect()));
    }
    if stranger::text(begins).is_some_and(folded::is_folded) {
        let bytes = whole(reader).map_err(io_error)?;
        let folded = folded::parse(&bytes);
        if let Some(what) = folded.not_cpu {
            return Ok(Input::OtherProfile { kind: format!("a text of folded stacks {what}") });
        }
        let (profiles, losses) = of_folded(folded);
        return Ok(Input::Converted(profiles, losses));
    }
    if let Some(what) = stranger::name(&head).or_else(|| stranger::name_packed(&inflated)) {
        return Err(Error::NotRecognised { name: shown, what });
    }
    let limits = Limits { max_inflated_bytes: options.max_inflated_bytes };
    let profile = gopprof::read_profile(reader, &limits)
        .map_err(|source| Error::Profile { name: shown, source })?;
    Ok(classify(profile))
}

/// Whether a text begins with a line that goes on, and may be a stack.
fn is_long_line(head: &[u8]) -> bool {
    head.contains(&b';') && !head.contains(&b'\n') && stranger::first_line(head).is_some()
}

/// What the beginning of a file inflates to, as far as that goes; nothing where it is not compressed by gzip.
fn beginning_of_gzip(head: &[u8], most: usize) -> Vec<u8> {
    let mut inflated = Vec::new();
    if head.starts_with(GZIP) {
        // It is cut: what came until then is enough.
        let _ = MultiGzDecoder::new(head).take(most as u64).read_to_end(&mut inflated);
    }
    inflated
}

/// Inflates a file that is no profile.
fn inflate(reader: impl Read, max_bytes: u64) -> std::io::Result<Vec<u8>> {
    read_whole(MultiGzDecoder::new(reader), max_bytes)
}

/// Reads all of it.
fn read_whole(reader: impl Read, max_bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        let text = format!("it goes on beyond the limit of {max_bytes} bytes (--max-inflated)");
        return Err(std::io::Error::other(text));
    }
    Ok(bytes)
}

/// The first of these that is an executable, with its bytes: it is wanted before the others are read. What is no regular file
/// waits for its turn.
pub(crate) fn first_executable(inputs: &[Named]) -> Option<(usize, Vec<u8>)> {
    let read = |(at, input): (usize, &Named)| {
        let mut file = open_regular(Path::new(&input.name))?;
        let mut head = [0; ELF.len()];
        file.read_exact(&mut head).ok()?;
        let is_executable = head == *ELF;
        let whole = is_executable.then(|| read_executable(&input.name, head.chain(file)));
        Some((at, whole?.ok()?))
    };
    inputs.iter().enumerate().find_map(read)
}

/// All bytes of an executable. It is read, not mapped: who changes the file meanwhile does not end this program.
pub(crate) fn read_executable(name: &str, reader: impl Read) -> Result<Vec<u8>, Error> {
    let too_large = |bytes| Error::TooLarge { name: shown(name).into_owned(), bytes };
    // Known before anything is read, but for what comes of a server or a pipe.
    let said = std::fs::metadata(name).map_or(0, |metadata| metadata.len());
    if said > MAX_FILE_BYTES {
        return Err(too_large(said));
    }
    let mut bytes = Vec::new();
    let io_error = |source| Error::Io { name: shown(name).into_owned(), source };
    reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(io_error)?;
    let n_read = bytes.len() as u64;
    if n_read > MAX_FILE_BYTES { Err(too_large(n_read)) } else { Ok(bytes) }
}

/// The beginning of a file: enough to tell benchmark results from a profile.
pub(crate) fn read_head(name: &str) -> Result<Vec<u8>, Error> {
    const HEAD: u64 = 4096;
    let mut head = Vec::new();
    let io_error = |source| Error::Io { name: shown(name).into_owned(), source };
    open_reader(name, &OpenOptions::default(), &mut |_| {})?
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(io_error)?;
    Ok(head)
}

fn open_reader(
    name: &str,
    options: &OpenOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Box<dyn Read>, Error> {
    if is_url(name) {
        return Ok(Box::new(open_url(name, options, progress)?));
    }
    let io_error = |source| Error::Io { name: shown(name).into_owned(), source };
    let path = Path::new(name);
    if path.is_dir() {
        return Err(io_error(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    let file = open_patiently(path).map_err(|source| match advice_on(name) {
        Some(reason) => Error::Unusable {
            name: shown(name).into_owned(),
            reason: format!("{source}; {reason}"),
        },
        None => io_error(source),
    })?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

/// What may be meant by a name that is no file's.
fn advice_on(name: &str) -> Option<&'static str> {
    let has_port = || {
        let port = name.split('/').next().and_then(|host| host.split_once(':'));
        port.is_some_and(|(_, port)| {
            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    match name {
        "-" => Some("what is piped in is /dev/stdin"),
        _ if name.contains("://") => Some("of URLs, those with http:// are read"),
        _ if has_port() => Some("a URL begins with http://"),
        _ => None,
    }
}

/// Says from its sample types what a profile measures.
pub(crate) fn classify(profile: Parsed<Profile>) -> Input {
    let types: Vec<&str> =
        profile.value.sample_types.iter().map(|t| profile.value.str(t.kind)).collect();
    let has = |name: &str| types.contains(&name);
    if recording::is_recording(&profile.value) {
        Input::Recording(profile)
    } else if has("cpu") || types == ["samples"] {
        Input::Cpu(profile)
    } else if heap::SAMPLE_TYPES.into_iter().any(has) {
        Input::Heap(profile)
    } else if has("contentions") && has("delay") {
        Input::Contention(profile)
    } else {
        let kind = match types.first() {
            Some(&"goroutine") => "a goroutine profile".to_owned(),
            _ if has("time") || has("wall") => {
                "a profile of wall-clock time, waiting included".to_owned()
            }
            Some(&"") => "a profile whose values have no name".to_owned(),
            Some(first) => format!("a profile of `{}`", printable(first)),
            None => "a profile without sample types".to_owned(),
        };
        Input::OtherProfile { kind }
    }
}

/// Asks a running server for a profile, saying how long that takes.
fn open_url(
    url: &str,
    options: &OpenOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Answer, Error> {
    let server = Server::new(url)?;
    let seconds = announced_seconds(url);
    let doing = match seconds {
        Some(seconds) => format!("the server records for {seconds} s"),
        None => "waiting for the server".to_owned(),
    };
    progress(&format!("{}: {doing}", server.shown()));
    let time = Duration::from_secs(seconds.unwrap_or(0)).saturating_add(FETCH_GRACE);
    let max_bytes = options.max_inflated_bytes.min(MAX_ANSWER_BYTES);
    server.get(&AnswerLimits { time, max_bytes })
}

/// How long the server will record: `seconds=` of the query, or the default of `/debug/pprof/profile`.
/// Source: net/http/pprof/pprof.go, `Profile` (30 s), Go 1.27.
fn announced_seconds(url: &str) -> Option<u64> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("seconds=")?.parse().ok());
    asked.or_else(|| path.ends_with("/debug/pprof/profile").then_some(30))
}
