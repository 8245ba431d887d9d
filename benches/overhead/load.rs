//! Sends the same call again and again over kept connections, and says how long answers took.
//!
//! ```text
//! load ADDRESS REQUEST_FILE CONNECTIONS RATE SECONDS
//! ```
//! The file holds a whole HTTP/1.1 request. RATE is calls per second over all connections; 0 sends
//! as fast as answers come. With a rate, time runs from when a call was due, so that a slow answer
//! is not hidden by the calls that it delays.
#![expect(clippy::print_stdout, reason = "the result is what the program is for")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// What is sent, and how.
struct Plan {
    address: SocketAddr,
    request: Vec<u8>,
    connections: u32,
    /// Between two calls of one connection; `None`: at once.
    pause: Option<Duration>,
    begin: Instant,
    end: Instant,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("load ADDRESS REQUEST_FILE CONNECTIONS RATE SECONDS");
    let address = next()?.parse()?;
    let request = std::fs::read(next()?)?;
    let connections: u32 = next()?.parse()?;
    let rate: u32 = next()?.parse()?;
    let seconds: u64 = next()?.parse()?;
    let begin = Instant::now();
    let pause =
        (rate > 0).then(|| Duration::from_secs(1).saturating_mul(connections).checked_div(rate)).flatten();
    let end = begin + Duration::from_secs(seconds);
    let plan = Arc::new(Plan { address, request, connections, pause, begin, end });

    let mut running = JoinSet::new();
    for number in 0..connections {
        let plan = Arc::clone(&plan);
        running.spawn(async move { call_until_the_end(&plan, number).await });
    }
    let mut times = Vec::new();
    while let Some(joined) = running.join_next().await {
        times.extend(joined??);
    }
    let took = begin.elapsed();
    times.sort_unstable();
    let at = |permille: usize| {
        let index = times.len().saturating_sub(1).saturating_mul(permille) / 1_000;
        times.get(index).map_or(0, Duration::as_micros)
    };
    println!(
        r#"{{"calls":{},"took_us":{},"p50_us":{},"p90_us":{},"p99_us":{},"max_us":{}}}"#,
        times.len(),
        took.as_micros(),
        at(500),
        at(900),
        at(990),
        at(1_000)
    );
    Ok(())
}

async fn call_until_the_end(plan: &Plan, number: u32) -> Result<Vec<Duration>, Failure> {
    let mut socket = TcpStream::connect(plan.address).await?;
    socket.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 << 10);
    let mut times = Vec::new();
    let mut due = plan.begin + plan.pause.map_or(Duration::ZERO, |pause| pause * number / plan.connections);
    while due < plan.end {
        if plan.pause.is_some() {
            tokio::time::sleep_until(due.into()).await;
        }
        socket.write_all(&plan.request).await?;
        read_answer(&mut socket, &mut buffer).await?;
        times.push(due.elapsed());
        due = plan.pause.map_or_else(Instant::now, |pause| due + pause);
    }
    Ok(times)
}

/// Reads one answer and forgets it.
async fn read_answer(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Failure> {
    buffer.clear();
    let head = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(buffer).await? == 0 {
            return Err("the connection ended".into());
        }
    };
    let text = String::from_utf8_lossy(buffer.get(..head).unwrap_or_default()).to_ascii_lowercase();
    if !text.starts_with("http/1.1 200") {
        return Err(format!("not answered well: {}", text.lines().next().unwrap_or_default()).into());
    }
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    loop {
        let done = match length {
            Some(length) => buffer.len() >= head + length,
            None => buffer.ends_with(b"\r\n0\r\n\r\n"),
        };
        if done {
            return Ok(());
        }
        if length.is_none() && buffer.len() > 32 << 10 {
            buffer.drain(..buffer.len() - 16);
        }
        if socket.read_buf(buffer).await? == 0 {
            return Err("the connection ended".into());
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
