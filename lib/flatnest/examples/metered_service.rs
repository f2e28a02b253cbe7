//! A small HTTP service that counts requests per client and path in a metered map, and tells Prometheus how the map
//! grows.
//!
//! ```text
//! cargo run -p flatnest --features prometheus --example metered_service            # http://localhost:9184/metrics
//! cargo run -p flatnest --features prometheus --example metered_service -- --once  # asks itself once and ends
//! ```
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use flatnest::meter::{Metered, Meters};
use flatnest::{ArenaStr, FlatMap};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tiny_http::{Header, Response, Server};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Requests by client and path.
struct Visits {
    counts: Metered<FlatMap<ArenaStr, ArenaStr, u64>>,
    registry: Registry,
}

impl Visits {
    fn new() -> Visits {
        let counts = Metered::new(FlatMap::new());
        let meters = Meters::new();
        meters.add("visits", counts.meter());
        let mut registry = Registry::default();
        registry.register_collector(Box::new(meters));
        Visits { counts, registry }
    }

    /// Counts a request and returns the answer to it.
    fn answer(&mut self, client: &str, path: &str) -> Result<String> {
        if path == "/metrics" {
            let mut page = String::new();
            text::encode(&mut page, &self.registry)?;
            return Ok(page);
        }
        let count = self.counts.get_or_insert_ref_with(client, path, || 0);
        *count += 1;
        Ok(format!("{client} asked for {path} {count} times\n"))
    }
}

/// Answers `n_requests`, or requests without end.
fn serve(server: &Server, n_requests: Option<usize>) -> Result<()> {
    let mut visits = Visits::new();
    let text = Header::from_bytes("Content-Type", "application/openmetrics-text; version=1.0.0")
        .map_err(|()| "the header is not valid")?;
    for request in server.incoming_requests().take(n_requests.unwrap_or(usize::MAX)) {
        let client = request.remote_addr().map_or_else(String::new, |addr| addr.ip().to_string());
        let page = visits.answer(&client, request.url())?;
        request.respond(Response::from_string(page).with_header(text.clone()))?;
    }
    Ok(())
}

/// The answer to one request.
fn get(addr: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Serves on a free port, lets itself count two requests, and returns the page of metrics.
pub(crate) fn metrics_of_own_requests() -> Result<String> {
    let server = Server::http("localhost:0")?;
    let addr = server.server_addr().to_ip().ok_or("the server has no address")?;
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| serve(&server, Some(3)));
        get(addr, "/orders")?;
        get(addr, "/orders")?;
        let page = get(addr, "/metrics")?;
        serving.join().map_err(|_| "the server panicked")??;
        Ok(page)
    })
}

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == "--once") {
        print!("{}", metrics_of_own_requests()?);
        return Ok(());
    }
    println!("serving on http://localhost:9184, metrics on http://localhost:9184/metrics");
    serve(&Server::http("localhost:9184")?, None)
}
