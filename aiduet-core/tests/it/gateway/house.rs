//! House rules: who may come in, how often, and what is told to whoever may.

use super::call::{Api, Call};
use super::{House, Store};

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_changes_nothing() {
    let house = House::open(Store::Memory).await;
    for path in ["/health", "/api/hello", "/v1/models", "/v1/models/gpt-5.6", "/v1/key", "/v1/credits"] {
        let plain = house.send(Call::get(path)).await;
        let slashed = house.send(Call::get(&format!("{path}/"))).await;
        assert_eq!((slashed.status, &slashed.body), (200, &plain.body), "{path}");
    }
    for api in Api::ALL {
        let mut call = api.ask("Hello?");
        call.path.push('/');
        assert_eq!(house.send(call).await.status, 200, "{api:?}");
    }
    let metrics = house.app.metrics().render();
    assert!(metrics.contains(r#"route="/v1/models""#) && !metrics.contains(r#"/v1/models/""#));
    house.close().await;
}

#[tokio::test]
async fn nobody_comes_in_without_a_key() {
    let house = House::open(Store::Memory).await;
    for api in Api::ALL {
        let reply = house.send(api.ask("Hello?").without_key()).await;
        assert_eq!(reply.status, 401);
        assert_eq!(reply.json()["error"]["details"]["error_code"], "missing_api_key");
        assert_eq!(reply.header("x-should-retry"), "false");
    }
    assert!(house.close().await.is_empty());
}
