#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests say what they leave out, and fail by panicking"
)]

use super::*;
use crate::clock::{ManualClock, SystemClock};
use crate::id::{Entropy, SystemEntropy};
use crate::testing::Factory;
use crate::testing::limit::FreshLimiter;

/// Names of its own on the server of `AIDUET_TEST_REDIS_URL`.
fn server() -> Option<(Secret<String>, String)> {
    #[expect(clippy::disallowed_methods, reason = "which server there is, only the environment knows")]
    let Ok(url) = std::env::var("AIDUET_TEST_REDIS_URL") else {
        println!("skipped: AIDUET_TEST_REDIS_URL is not set");
        return None;
    };
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    Some((Secret::new(url), format!("aiduet-test:{:016x}", u64::from_le_bytes(bytes))))
}

fn node(url: &Secret<String>, namespace: &str, time: Option<Arc<dyn Clock>>) -> RedisLimiter {
    // So patient that no test passes because it limits by itself.
    let options = Options { namespace: namespace.to_owned(), patience: Duration::from_mins(1), time };
    RedisLimiter::build(url, Arc::new(SystemClock::new()), options).unwrap()
}

async fn redis_limiter() -> Option<FreshLimiter<RedisLimiter>> {
    let (url, namespace) = server()?;
    let clock = Arc::new(ManualClock::new(Factory::new(0).clock().now()));
    let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let pass = move |time| {
        clock.advance(time);
        async {}
    };
    Some(FreshLimiter::new(node(&url, &namespace, Some(time)), pass))
}

crate::rate_limiter_conformance!(redis_limiter);

fn claim() -> Claim {
    let key = LimitKey::KeyRequests(Factory::new(1).key_id());
    Claim { key, quota: Quota { units: 100, period: Duration::from_hours(24) }, cost: 1 }
}

#[tokio::test]
async fn nodes_share_quotas_and_places() {
    let Some((url, namespace)) = server() else { return };
    let nodes: Vec<_> = (0..4).map(|_| node(&url, &namespace, None)).collect();
    let mut taken = 0;
    for _ in 0..30 {
        for node in &nodes {
            taken += u32::from(node.take(&[claim()]).await.is_ok());
        }
    }
    assert_eq!(taken, 100, "of a quota of 100 a day");

    let factory = Factory::new(2);
    let limits = [(LimitKey::AccountConcurrency(factory.account_id()), 2)];
    let requests = [factory.request_id(), factory.request_id(), factory.request_id()];
    nodes[0].enter(requests[0], &limits).await.unwrap();
    nodes[1].enter(requests[1], &limits).await.unwrap();
    assert!(nodes[2].enter(requests[2], &limits).await.is_err());
    nodes[0].leave(requests[0], &[limits[0].0]);
    // What this node says of those that left goes out before its own next request.
    nodes[0].enter(requests[2], &limits).await.unwrap();
    assert!(nodes[3].enter(requests[0], &limits).await.is_err());
}

#[tokio::test]
async fn without_the_server_each_node_limits_by_itself() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = Secret::new(format!("redis://{}", listener.local_addr().unwrap()));
    let nobody = Secret::new("redis://127.0.0.1:1".to_owned());
    for url in [silent, nobody] {
        let limiter = RedisLimiter::new(&url, Arc::new(SystemClock::new())).unwrap();
        let mut taken = 0;
        for _ in 0..120 {
            taken += u32::from(limiter.take(&[claim()]).await.is_ok());
        }
        assert_eq!(taken, 100);
        let limits = [(LimitKey::KeyConcurrency(Factory::new(1).key_id()), 1)];
        let (first, second) = (Factory::new(1).request_id(), Factory::new(2).request_id());
        limiter.enter(first, &limits).await.unwrap();
        assert!(limiter.enter(second, &limits).await.is_err());
        limiter.leave(first, &[limits[0].0]);
        limiter.enter(second, &limits).await.unwrap();
    }
}

#[test]
fn a_wrong_url_is_refused_without_being_quoted() {
    let url = Secret::new("http://user:hunter2@example.com".to_owned());
    let error = RedisLimiter::new(&url, Arc::new(SystemClock::new())).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
