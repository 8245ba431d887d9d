use super::*;
use crate::clock::ManualClock;
use crate::testing::Factory;
use crate::testing::github::FakeGithub;

#[tokio::test]
async fn only_what_github_signed_with_a_key_in_use_is_believed() {
    let github = FakeGithub::open().await;
    let factory = Factory::new(1);
    let clock = factory.clock();
    let reports = GithubReports::new(&github.keys_url, Arc::<ManualClock>::clone(clock)).unwrap();
    let body = b"[{}]".as_slice();
    let verify =
        async |signer, signature: &str, body| reports.verify(SignedReport { body, signer, signature }).await;
    let good = github.sign(body);

    // Nobody knows, and nobody asks again at once.
    github.fail();
    for _ in 0..2 {
        let unknown = verify(FakeGithub::CURRENT, &good, body).await;
        assert!(matches!(unknown, Err(ReportError::Unavailable { .. })));
    }
    assert_eq!(github.asked(), 1);

    github.recover();
    clock.advance(REFETCH_AFTER);
    for _ in 0..2 {
        verify(FakeGithub::CURRENT, &good, body).await.unwrap();
    }
    assert_eq!(github.asked(), 2);

    let refused = [
        (FakeGithub::CURRENT, github.sign(b"[]"), body),
        (FakeGithub::CURRENT, good.clone(), b"[{} ]".as_slice()),
        (FakeGithub::CURRENT, github.sign_with_old(body), body),
        (FakeGithub::OLD, github.sign_with_old(body), body),
        (FakeGithub::OLD, good.clone(), body),
        ("nobody", good.clone(), body),
        ("", good.clone(), body),
        (FakeGithub::CURRENT, String::new(), body),
        (FakeGithub::CURRENT, "no base64".to_owned(), body),
        (FakeGithub::CURRENT, STANDARD.encode([0_u8; 64]), body),
    ];
    for (signer, signature, body) in refused {
        let refused = verify(signer, &signature, body).await;
        assert!(matches!(refused, Err(ReportError::NotGenuine)), "{signer} {signature}");
    }
    assert_eq!(github.asked(), 2, "a name that is not known makes nobody ask within a minute");

    clock.advance(REFETCH_AFTER);
    assert!(matches!(verify("nobody", &good, body).await, Err(ReportError::NotGenuine)));
    assert_eq!(github.asked(), 3);
    clock.advance(KEPT_FOR);
    verify(FakeGithub::CURRENT, &good, body).await.unwrap();
    assert_eq!(github.asked(), 4, "what is known is asked for anew after a day");
}

#[test]
fn keys_come_over_https() {
    let factory = Factory::new(1);
    let with = |url: &str| GithubReports::new(url, Arc::<ManualClock>::clone(factory.clock()));
    for url in [KEYS_URL, "http://127.0.0.1:9/keys", "http://localhost:9/keys"] {
        with(url).unwrap();
    }
    for url in
        ["http://api.github.com/", "http://127.0.0.1.example.com/", "ftp://api.github.com/", "keys", ""]
    {
        assert!(matches!(with(url), Err(GithubConfigError::MalformedUrl)), "{url}");
    }
}
