//! A server that is asked over http: one address, answers within limits of time and size, and no secrets in texts.
//!
//! 1. What a URL holds beside the address (user and password, values of the query) goes to the server and into no text:
//!    [`Server::shown`] is the URL without it, and what the server says is searched for it. Of what is no URL after all
//!    nothing is shown that would be secret in one.
//! 2. A server that sends us on is followed on its own address only.
//! 3. Each answer has a limit of time, from the first byte sent to the last received, and one of size. Nothing is
//!    unpacked here, whatever the headers say.
//! 4. [`Server::close`] ends all that goes on, in whichever thread.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use evidence::printable;
use ureq::http::{Response, Uri, header};
use ureq::{Agent, Body};

use crate::error::{Error, late};

/// What stands in texts for a secret, as in those of Go's `URL.Redacted`.
const HIDDEN: &str = "xxxxx";
/// Secrets shorter than this are in many innocent words.
const LEAST_SECRET: usize = 4;
/// How often a server may send us on.
const MAX_REDIRECTS: usize = 5;
/// How much of what a server says to an error is told. Units: bytes.
const MAX_TOLD: usize = 300;
/// How much of it is read, and searched for secrets. Units: bytes.
const MAX_SAID: usize = 64 << 10;
/// Largest head of an answer. Go's servers send some hundred bytes. Units: bytes.
const MAX_HEADERS: usize = 64 << 10;
/// The most that a request waits, whatever it is asked to: the end of a longer time cannot be computed everywhere.
const MAX_WAIT: Duration = Duration::from_secs(1000 * 24 * 3600);
/// Parameters of net/http/pprof, whose values are no secrets. Source: net/http/pprof/pprof.go, Go 1.27.
const HARMLESS: [&str; 3] = ["seconds", "debug", "gc"];

/// Limits on one answer.
#[derive(Debug, Clone, Copy)]
pub struct AnswerLimits {
    /// From the beginning of the request to the last byte of the answer.
    pub time: Duration,
    /// Units: bytes.
    pub max_bytes: u64,
}

/// A server, by the URL of something on it.
#[derive(Clone)]
pub struct Server {
    agent: Agent,
    /// `http://host:port`.
    origin: String,
    /// `Basic`, and user and password in base64.
    authorization: Option<String>,
    path: String,
    query: Option<String>,
    secrets: Secrets,
    shown: String,
    is_closed: Arc<AtomicBool>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.shown).finish()
    }
}

impl Server {
    /// Of an `http://` URL.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(url: &str) -> Result<Self, Error> {
        let shown = if is_url(url) { shown_url(url) } else { shown_rest(url) };
        let fail = |reason: &str| Error::Fetch { url: shown.clone(), reason: reason.to_owned() };
        if scheme(url).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) {
            return Err(fail(
                "only plain http is built in; fetch it with `curl -o cpu.pprof URL` and give the file",
            ));
        }
        let Some(uri) = parse(url) else {
            return Err(fail(
                "this is no URL of a server, which is http://HOST:PORT/PATH; in a user or password, \
                 write %40 for @, %2F for / and %3A for :",
            ));
        };
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEADERS)
            // What is asked for is near, and nobody else is to see the secrets.
            .proxy(None)
            .build()
            .into();
        let (user, address) = user_and_address(&uri);
        Ok(Self {
            agent,
            origin: format!("http://{address}"),
            authorization: user
                .map(|user| format!("Basic {}", BASE64_STANDARD.encode(decoded(user)))),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            secrets: Secrets::of(&uri),
            shown,
            is_closed: Arc::default(),
        })
    }

    /// The URL without what is secret in it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Ends all requests that go on, and fails those to come. Clones are closed as well.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.agent.clone().shutdown();
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Asks for what the URL names.
    ///
    /// # Errors
    /// When there is no answer, or it is no.
    pub fn get(&self, limits: &AnswerLimits) -> Result<Answer, Error> {
        self.ask(self.path.clone(), self.query.clone(), &self.shown, limits)
    }

    /// Asks for something below what the URL names, with more parameters.
    ///
    /// # Errors
    /// When there is no answer, or it is no.
    pub fn get_below(
        &self,
        name: &str,
        parameters: &str,
        limits: &AnswerLimits,
    ) -> Result<Answer, Error> {
        let path = self.path_below(name);
        let parts = [self.query.as_deref().unwrap_or(""), parameters];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let query = (!parts.is_empty()).then(|| parts.join("&"));
        let shown = self.shown_parts(&path, query.as_deref());
        self.ask(path, query, &shown, limits)
    }

    /// What is below the URL, without secrets.
    pub fn shown_below(&self, name: &str) -> String {
        self.shown_parts(&self.path_below(name), self.query.as_deref())
    }

    fn path_below(&self, name: &str) -> String {
        format!("{}/{name}", self.path.trim_end_matches('/'))
    }

    fn shown_parts(&self, path: &str, query: Option<&str>) -> String {
        shown_parts(&self.origin, self.authorization.is_some(), path, query)
    }

    fn ask(
        &self,
        path: String,
        query: Option<String>,
        shown: &str,
        limits: &AnswerLimits,
    ) -> Result<Answer, Error> {
        let fail = |reason: String| Error::Fetch { url: shown.to_owned(), reason };
        let begun = Instant::now();
        let mut target = with_query(path, query.as_deref());
        for _ in 0..=MAX_REDIRECTS {
            let rest = limits.time.saturating_sub(begun.elapsed()).max(Duration::from_millis(1));
            let response = self.call(&target, rest).map_err(|error| match error {
                error if is_late(&error) => {
                    Error::Late { url: shown.to_owned(), time: limits.time }
                }
                error => fail(self.secrets.hide(&error.to_string())),
            })?;
            if response.status().is_redirection() {
                target = self.sent_on(&response, &target).map_err(fail)?;
                continue;
            }
            if !response.status().is_success() {
                return Err(self.refusal(response, shown));
            }
            let reader = response.into_body().into_reader();
            return Ok(Answer {
                reader: Box::new(reader),
                n_bytes: 0,
                limits: *limits,
                is_closed: self.is_closed.clone(),
            });
        }
        Err(fail(format!("the server sends us on in a circle, {MAX_REDIRECTS} times and more")))
    }

    fn call(&self, target: &str, time: Duration) -> Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.get(format!("{}{target}", self.origin));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.config().timeout_global(Some(time.min(MAX_WAIT))).build().call()
    }

    /// Path and query to ask next, when they are of the same server.
    fn sent_on(&self, response: &Response<Body>, target: &str) -> Result<String, String> {
        let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let location = location.ok_or("the server sends us on, and does not say where")?;
        let to = resolve(&self.origin, target, location);
        let to: Uri = to.parse().map_err(|_| "the server sends us on, but not to a URL")?;
        let own: Uri = self.origin.parse().map_err(|_| "the URL has no server")?;
        if address(&to) != address(&own) {
            let (scheme, host, port) = address(&to);
            let other = printable(&self.secrets.hide(&format!("{scheme}://{host}:{port}")));
            return Err(format!(
                "the server sends us on to {other}, which was not asked for and is not asked; \
                 give a URL there if it is meant"
            ));
        }
        Ok(with_query(to.path().to_owned(), to.query()))
    }

    /// Go says in the body why.
    fn refusal(&self, response: Response<Body>, shown: &str) -> Error {
        let status = response.status();
        let mut said = Vec::new();
        let reader = response.into_body().into_reader();
        let _ = reader.take(MAX_SAID as u64).read_to_end(&mut said);
        let said = printable(&self.secrets.told(&said));
        Error::Answered {
            url: shown.to_owned(),
            status: status.as_u16(),
            said: format!("{status}: {said}"),
        }
    }
}

/// The body of an answer, as it comes.
pub struct Answer {
    reader: Box<dyn Read + Send>,
    n_bytes: u64,
    limits: AnswerLimits,
    is_closed: Arc<AtomicBool>,
}

impl Read for Answer {
    /// # Errors
    /// `FileTooLarge` and `TimedOut` beyond the limits, in words. `ConnectionAborted` when the server was closed: the end of
    /// the connection looks like that of the answer.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer).map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
            if error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(is_late) {
                return io::Error::new(io::ErrorKind::TimedOut, late(self.limits.time));
            }
            error
        })?;
        if n == 0 && !buffer.is_empty() && self.is_closed.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.n_bytes += n as u64;
        if self.n_bytes > self.limits.max_bytes {
            let text = format!("the answer is larger than {} MiB", self.limits.max_bytes >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        Ok(n)
    }
}

fn is_late(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Timeout(_) => true,
        ureq::Error::Io(error) => error.kind() == io::ErrorKind::TimedOut,
        _ => false,
    }
}

/// A URL with a server in it. An `@` behind the server is part of a password in which a `/` was not encoded.
fn parse(url: &str) -> Option<Uri> {
    let url = url.split('#').next()?;
    let uri: Uri = url.parse().ok()?;
    let has_server = uri.host().is_some_and(|host| !host.is_empty());
    // A port that is no number is dropped by the parser, and part of a password as well.
    let authority = uri.authority()?;
    let port = authority.as_str().rsplit(['@', ']']).next()?.split_once(':').map(|(_, port)| port);
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let is_plain = uri.scheme_str() == Some("http") && !uri.path().contains('@');
    (has_server && is_port && is_plain).then_some(uri)
}

/// Scheme, host and port.
fn address(uri: &Uri) -> (String, String, u16) {
    let host = uri.host().unwrap_or("").to_ascii_lowercase();
    let scheme = uri.scheme_str().unwrap_or("").to_ascii_lowercase();
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    (scheme, host, port)
}

/// What a reference means where it was found. Source: RFC 3986, section 5.2.
fn resolve(origin: &str, target: &str, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or("");
    if has_scheme(reference) {
        return reference.to_owned();
    }
    if reference.starts_with("//") {
        return format!("http:{reference}");
    }
    let (here, _) = parts(target);
    let (path, query) = parts(reference);
    let path = match path {
        "" if query.is_none() => return format!("{origin}{target}"),
        "" => here.to_owned(),
        path if path.starts_with('/') => without_dots(path),
        path => {
            let folder = here.rsplit_once('/').map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{path}"))
        }
    };
    format!("{origin}{}", with_query(path, query))
}

/// Whether a reference begins with a scheme. Source: RFC 3986, section 3.1.
fn has_scheme(reference: &str) -> bool {
    let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || ['+', '-', '.'].contains(&c);
    let scheme = reference.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_of_scheme)
}

/// A path without `.` and `..`. Source: RFC 3986, section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    // They stand for a folder.
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

/// Path and query.
fn parts(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

fn with_query(path: String, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// The name of an input without what is secret in it, and without commands to a terminal; of a file that is there the name
/// as it is. What is no file and has an `@` or a query is taken for a URL whose scheme was forgotten.
pub fn shown(name: &str) -> Cow<'_, str> {
    if is_url(name) {
        Cow::Owned(shown_url(name))
    } else if name.contains(['@', '?']) && Path::new(name).symlink_metadata().is_err() {
        Cow::Owned(shown_rest(name))
    } else if name.contains(char::is_control) {
        Cow::Owned(printable(name))
    } else {
        Cow::Borrowed(name)
    }
}

/// Whether an input is a URL of a server, not a file. Schemes are the same in capitals. Source: RFC 3986, section 3.1.
pub(crate) fn is_url(name: &str) -> bool {
    let is_http = |scheme: &str| ["http", "https"].iter().any(|h| scheme.eq_ignore_ascii_case(h));
    scheme(name).is_some_and(is_http)
}

fn scheme(url: &str) -> Option<&str> {
    url.split_once("://").map(|(scheme, _)| scheme)
}

fn shown_url(url: &str) -> String {
    let scheme = scheme(url).unwrap_or("http");
    // To be shown, the other scheme has the same parts.
    let plain = format!("http{}", &url[scheme.len()..]);
    let Some(uri) = parse(&plain) else { return format!("{scheme}://{HIDDEN}") };
    let (user, address) = user_and_address(&uri);
    let origin = format!("{scheme}://{address}");
    shown_parts(&origin, user.is_some(), uri.path(), uri.query())
}

/// Of what is no URL, what could stand in one and be seen: nothing before an `@`, and no values of a query.
fn shown_rest(text: &str) -> String {
    let (user, rest) = text.rsplit_once('@').map_or(("", text), |(_, rest)| (HIDDEN, rest));
    let at = if user.is_empty() { "" } else { "@" };
    let rest = rest.split('#').next().unwrap_or("");
    let (path, query) = parts(rest);
    let rest = with_query(path.to_owned(), query.map(shown_query).as_deref());
    printable(&format!("{user}{at}{rest}"))
}

/// What stands before and behind the `@` in front of a host.
fn user_and_address(uri: &Uri) -> (Option<&str>, &str) {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.rsplit_once('@').map_or((None, authority), |(user, address)| (Some(user), address))
}

fn shown_parts(origin: &str, has_user: bool, path: &str, query: Option<&str>) -> String {
    let (scheme, address) = origin.split_once("://").unwrap_or(("http", origin));
    let user = if has_user { format!("{HIDDEN}@") } else { String::new() };
    let path = with_query(path.to_owned(), query.map(shown_query).as_deref());
    format!("{scheme}://{user}{address}{path}")
}

fn shown_query(query: &str) -> String {
    query.split('&').map(shown_pair).collect::<Vec<_>>().join("&")
}

fn shown_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((key, _)) if HARMLESS.contains(&key) => pair.to_owned(),
        Some((key, _)) => format!("{key}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

/// What must not be seen, in each form that it could be seen in.
#[derive(Clone, Default)]
struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Secrets {
    fn of(uri: &Uri) -> Self {
        let mut secrets = Self::default();
        if let Some(user) = user_and_address(uri).0 {
            secrets.add(user);
            secrets.0.push(BASE64_STANDARD.encode(decoded(user)));
            user.splitn(2, ':').for_each(|part| secrets.add(part));
        }
        for pair in uri.query().unwrap_or("").split('&') {
            match pair.split_once('=') {
                Some((key, _)) if HARMLESS.contains(&key) => {}
                Some((_, value)) => secrets.add(value),
                None => secrets.add(pair),
            }
        }
        // A secret may be part of another.
        secrets.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }

    fn add(&mut self, secret: &str) {
        let plain = decoded(secret);
        self.0.extend([secret.to_owned(), plain].into_iter().filter(|secret| !secret.is_empty()));
    }

    /// The beginning of what a server says, without them. Shape: at most [`MAX_SAID`] bytes, of which the last may be a part
    /// of one.
    fn told(&self, said: &[u8]) -> String {
        let longest = self.0.first().map_or(0, String::len);
        let cut = if said.len() < MAX_SAID { 0 } else { longest };
        let said = String::from_utf8_lossy(&said[..said.len().saturating_sub(cut)]);
        let mut told = self.hide(said.trim());
        let end = (0..=MAX_TOLD).rev().find(|&end| told.is_char_boundary(end));
        told.truncate(end.unwrap_or(0));
        told
    }

    /// The text without them.
    fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.0.iter().filter(|secret| !secret.is_empty()) {
            if !text.contains(secret.as_str()) {
                continue;
            }
            if secret.len() < LEAST_SECRET {
                return HIDDEN.to_owned();
            }
            text = text.replace(secret.as_str(), HIDDEN);
        }
        text
    }
}

/// Percent-decoded. Source: RFC 3986, section 2.1.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = (first == b'%').then(|| behind.get(..2)).flatten();
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
