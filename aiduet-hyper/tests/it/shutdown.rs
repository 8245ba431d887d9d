//! The end of a server, asked for or not.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::json;

use crate::process::{Place, Server, chat, connect};

/// Opens a stream that goes on for about a minute, and reads its beginning.
fn long_stream(server: &Server, key: &str) -> TcpStream {
    let text = "simulate:chunks=1200 simulate:slow=50ms";
    let call = json!({
        "model": "gpt-5.4-mini", "stream": true, "max_tokens": 4_000,
        "messages": [{"role": "user", "content": text}],
    });
    let mut stream = connect(server.address);
    stream.write_all(chat(key, &call).as_bytes()).unwrap();
    let mut seen = String::new();
    while seen.matches("data: ").count() < 4 {
        let mut piece = [0; 1024];
        let length = stream.read(&mut piece).unwrap();
        assert!(length > 0, "the stream ended: {seen}");
        seen.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    stream
}

fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_stream_that_outlives_the_grace_is_told_so_and_settled() {
    let place = Place::new().with("AIDUET__SERVER__SHUTDOWN_GRACE", "200ms");
    let (key, _id) = place.customer();
    let server = place.serve();
    let stream = long_stream(&server, &key);
    server.signal(Signal::TERM);
    let farewell = rest(stream);
    assert!(farewell.contains("\"error\""), "{farewell}");
    assert_eq!(server.end().0, Some(0));
    let balance = place.balance();
    assert!(balance.used > 0 && balance.held == 0, "{balance:?}");
    assert_eq!(place.ask(&["ledger", "verify"])["passed"], true);
}

#[test]
fn a_second_signal_does_not_wait_for_the_grace() {
    let place = Place::new().with("AIDUET__SERVER__SHUTDOWN_GRACE", "1h");
    let (key, _id) = place.customer();
    let server = place.serve();
    let stream = long_stream(&server, &key);
    server.signal(Signal::TERM);
    server.signal(Signal::INT);
    assert!(rest(stream).contains("\"error\""));
    assert_eq!(server.end().0, Some(0));
    let balance = place.balance();
    assert!(balance.used > 0 && balance.held == 0, "{balance:?}");
}

#[test]
fn a_short_call_is_finished_before_the_end() {
    let place = Place::new();
    let (key, _id) = place.customer();
    let server = place.serve();
    let call = json!({
        "model": "gpt-5.4-mini", "stream": true,
        "messages": [{"role": "user", "content": "simulate:chunks=20 simulate:slow=20ms"}],
    });
    let mut stream = connect(server.address);
    stream.write_all(chat(&key, &call).as_bytes()).unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap();
    server.signal(Signal::TERM);
    assert!(rest(stream).contains("data: [DONE]"));
    assert_eq!(server.end().0, Some(0));
    assert_eq!(place.balance().held, 0);
}

#[test]
fn what_a_killed_server_held_is_free_when_it_is_back() {
    let place = Place::new();
    let (key, _id) = place.customer();
    let server = place.serve();
    let stream = long_stream(&server, &key);
    server.signal(Signal::KILL);
    assert_eq!(server.end().0, None);
    drop(stream);
    assert!(place.balance().held > 0, "the hold outlives the process");
    let server = place.serve();
    assert_eq!(place.balance().held, 0);
    assert_eq!(server.stop().0, Some(0));
    assert_eq!(place.ask(&["ledger", "verify"])["passed"], true);
}

#[test]
fn a_demo_keeps_its_data_and_makes_a_new_key() {
    let place = Place::new();
    let keys: Vec<String> = (0..2)
        .map(|_| {
            let mut child = place
                .command(&["demo"])
                .env_remove("AIDUET__DATABASE__URL")
                .env_remove("AIDUET__SERVER__ADMIN_LISTEN")
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
            let mut welcome = String::new();
            while !welcome.contains("Ctrl-C") {
                assert!(std::io::BufRead::read_line(&mut out, &mut welcome).unwrap() > 0, "{welcome}");
            }
            rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0));
            let start = welcome.find("sk-duet-").unwrap();
            welcome[start..].split_whitespace().next().unwrap().to_owned()
        })
        .collect();
    assert_ne!(keys[0], keys[1]);
    let place = place.with("AIDUET__DATABASE__URL", "sqlite://aiduet-data/aiduet.db");
    assert_eq!(place.ask(&["keys", "list", "--user", "demo@aiduet.example"]).as_array().unwrap().len(), 2);
    let balance = place.ask(&["ledger", "balance", "demo@aiduet.example"]);
    assert_eq!(balance["available_nano"], 5_000_000_000_i64, "credit is granted once");
    assert!(place.path("aiduet-data/aiduet.db").exists());
}
