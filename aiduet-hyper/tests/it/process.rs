//! The binary with a directory of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Long enough for the slowest machine; nothing waits so long when all is well.
const PATIENCE: Duration = Duration::from_mins(1);

/// A place for one installation.
pub(crate) struct Place {
    directory: tempfile::TempDir,
    pub(crate) settings: Vec<(&'static str, String)>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("aiduet.db").display());
        let settings = [
            ("AIDUET__DATABASE__URL", url.as_str()),
            ("AIDUET__SERVER__LISTEN", "127.0.0.1:0"),
            ("AIDUET__SERVER__ADMIN_LISTEN", "127.0.0.1:0"),
            ("AIDUET__SERVER__DRAIN_DELAY", "0s"),
            ("AIDUET__UPSTREAM__OPENAI__KIND", "simulated"),
            ("AIDUET__UPSTREAM__ANTHROPIC__KIND", "simulated"),
        ];
        Self { settings: settings.map(|(name, text)| (name, text.to_owned())).to_vec(), directory }
    }

    pub(crate) fn with(mut self, name: &'static str, text: &str) -> Self {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, text.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aiduet"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.settings.iter().map(|(name, text)| (*name, text.as_str())))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and reads the JSON that it prints.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {:?} {errors}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn exit_code(&self, arguments: &[&str]) -> i32 {
        self.run(arguments).status.code().unwrap()
    }

    /// An account with five dollars and a key: the key's text and its identifier.
    pub(crate) fn customer(&self) -> (String, String) {
        self.ask(&["user", "create", "a@example.com"]);
        self.ask(&["user", "credit", "a@example.com", "5.00", "--reason", "welcome"]);
        let key = self.ask(&["keys", "create", "--user", "a@example.com", "--name", "laptop"]);
        (key["key"].as_str().unwrap().to_owned(), key["id"].as_str().unwrap().to_owned())
    }

    pub(crate) fn balance(&self) -> Balance {
        let balance = self.ask(&["ledger", "balance", "a@example.com"]);
        let nanos = |name: &str| balance[name].as_i64().unwrap();
        Balance { used: nanos("used_nano"), held: nanos("held_nano"), available: nanos("available_nano") }
    }

    pub(crate) fn serve(&self) -> Server {
        self.start(&["serve"])
    }

    /// Starts a server and waits until it says where it listens.
    pub(crate) fn start(&self, arguments: &[&str]) -> Server {
        let mut child = self.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let event = startup(&mut lines);
        let address = |name: &str| event[name].as_str().unwrap().parse().unwrap();
        Server { address: address("address"), admin: address("admin"), lines, child }
    }
}

/// The line by which a server says that it listens.
fn startup(lines: &mut impl BufRead) -> Value {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the server ended before it listened");
        match serde_json::from_str::<Value>(&line) {
            Ok(event) if event["event"] == "sys_startup" => return event,
            _ => {}
        }
    }
}

/// In nano-dollars.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) used: i64,
    pub(crate) held: i64,
    pub(crate) available: i64,
}

/// A running server; killed when the test is over.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    lines: BufReader<std::process::ChildStdout>,
    child: Child,
}

impl Server {
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end: the exit code and what was logged since the start.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.lines.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }

    /// Asks to stop and waits for the end.
    pub(crate) fn stop(self) -> (Option<i32>, String) {
        self.signal(rustix::process::Signal::TERM);
        self.end()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A connection on which nothing is awaited for ever.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes and reads until the server closes.
pub(crate) fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

pub(crate) fn get(address: SocketAddr, path: &str, key: &str) -> String {
    exchange(
        address,
        &format!(
            "GET {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
        ),
    )
}

/// The text of a call to chat completions.
pub(crate) fn chat(key: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let head = answer.split("\r\n\r\n").next().unwrap();
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).unwrap().1
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}
