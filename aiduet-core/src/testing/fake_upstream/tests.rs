use tokio::io::AsyncReadExt;

use super::*;

async fn exchange(upstream: &FakeUpstream, request: &str) -> String {
    let mut socket = TcpStream::connect(upstream.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn requests_are_seen_whole_and_answered_in_turn_on_one_connection() {
    let upstream = FakeUpstream::scripted(|request| {
        vec![Act::answer(200, &[("x-target", &request.target)], &request.body)]
    })
    .await;
    let two =
        "POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nonePOST /b HTTP/1.1\r\ncontent-length: 3\r\n\r\ntwo";
    let answer = exchange(&upstream, two).await;
    let expected = "HTTP/1.1 200 OK\r\nx-target: /a\r\ncontent-length: 3\r\n\r\none\
                    HTTP/1.1 200 OK\r\nx-target: /b\r\ncontent-length: 3\r\n\r\ntwo";
    assert_eq!(answer, expected);
    let targets: Vec<String> = upstream.seen().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/a", "/b"]);
}

#[tokio::test]
async fn a_peer_that_leaves_is_noticed() {
    let upstream = FakeUpstream::always(vec![Act::Hang]).await;
    exchange(&upstream, "POST / HTTP/1.1\r\n\r\n").await;
    upstream.peers_left(1).await;
}
