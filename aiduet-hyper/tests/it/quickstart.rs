//! The program in Rust that the quickstart shows.

use crate::process::Place;

include!("../../../dashboard/src/first_call.rs");

#[tokio::test]
async fn the_program_that_is_shown_gets_an_answer() {
    let place = Place::new();
    let (key, _id) = place.customer();
    let server = place.serve();
    let gateway = format!("http://{}", server.address);
    let answer = ask(&gateway, &key).await.unwrap();
    assert!(!answer.is_empty());
    assert!(place.balance().used > 0);
    let refused = ask(&gateway, "sk-duet-none").await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
}
