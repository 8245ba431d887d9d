use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use http::{HeaderMap, Version};

use super::address::{AddressRule, ClientAddress, PeerAddress, strip};
use super::head::HeadRule;
use super::*;
use crate::settings::TrustedProxies;

fn request(peer: &str, headers: &[(&'static str, &str)]) -> Request {
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(PeerAddress(peer.parse().unwrap()));
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

fn client(proxies: &TrustedProxies, request: &Request) -> Result<String, EdgeFault> {
    let mut seen = http::Extensions::new();
    seen.insert(AddressRule::new(proxies).resolve(request)?);
    Ok(ClientAddress::of(&seen).to_string())
}

fn behind(networks: &[&str]) -> TrustedProxies {
    TrustedProxies::Networks(networks.iter().map(|text| text.parse().unwrap()).collect())
}

#[test]
fn a_stranger_is_not_believed() {
    let told = [("x-forwarded-for", "9.9.9.9"), ("cf-connecting-ip", "8.8.8.8"), ("x-real-ip", "7.7.7.7")];
    for proxies in [TrustedProxies::None, behind(&["10.0.0.0/8"]), TrustedProxies::Cloudflare] {
        assert_eq!(client(&proxies, &request("203.0.113.5", &told)), Ok("203.0.113.5".to_owned()));
    }
}

#[test]
fn the_rightmost_stranger_of_the_list_is_the_client() {
    let proxies = behind(&["10.0.0.0/8"]);
    for (lists, expected) in [
        (&["1.1.1.1, 2.2.2.2"][..], "2.2.2.2"),
        (&["1.1.1.1, 2.2.2.2, 10.1.1.1"], "2.2.2.2"),
        (&["1.1.1.1", "2.2.2.2, 10.1.1.1"], "2.2.2.2"),
        (&["garbage, 2.2.2.2"], "2.2.2.2"),
        (&["10.2.2.2, 10.1.1.1"], "10.2.2.2"),
        (&["::ffff:2.2.2.2"], "2.2.2.2"),
        (&["2001:db8::1"], "2001:db8::1"),
        (&[], "10.0.0.1"),
    ] {
        let headers: Vec<_> = lists.iter().map(|list| ("x-forwarded-for", *list)).collect();
        assert_eq!(client(&proxies, &request("10.0.0.1", &headers)), Ok(expected.to_owned()), "{lists:?}");
    }
}

#[test]
fn nonsense_of_a_trusted_proxy_is_refused() {
    let proxies = behind(&["10.0.0.0/8"]);
    for list in ["unknown", "1.1.1.1:80", "", "1.1.1.1, ,", "1.1.1"] {
        let told = request("10.0.0.1", &[("x-forwarded-for", list)]);
        assert_eq!(client(&proxies, &told), Err(EdgeFault::Forwarded), "{list}");
    }
}

#[test]
fn cloudflare_names_one_client() {
    let proxies = TrustedProxies::Cloudflare;
    let one = [("cf-connecting-ip", "2.2.2.2"), ("x-forwarded-for", "3.3.3.3")];
    for edge in ["173.245.48.9", "2606:4700::1", "127.0.0.1", "::ffff:173.245.48.9"] {
        assert_eq!(client(&proxies, &request(edge, &one)), Ok("2.2.2.2".to_owned()), "{edge}");
    }
    let two = [("cf-connecting-ip", "2.2.2.2"), ("cf-connecting-ip", "2.2.2.2")];
    assert_eq!(client(&proxies, &request("173.245.48.9", &two)), Err(EdgeFault::Forwarded));
    let list = [("cf-connecting-ip", "2.2.2.2, 3.3.3.3")];
    assert_eq!(client(&proxies, &request("173.245.48.9", &list)), Err(EdgeFault::Forwarded));
}

#[test]
fn without_the_guard_a_client_is_in_no_allow_list() {
    assert_eq!(ClientAddress::of(&http::Extensions::new()), "0.0.0.0".parse::<IpAddr>().unwrap());
}

#[test]
fn no_handler_sees_what_was_said_about_the_way() {
    let mut headers = HeaderMap::new();
    for name in [
        "cf-ray",
        "cf-connecting-ip",
        "x-forwarded-for",
        "x-forwarded-proto",
        "forwarded",
        "x-real-ip",
        "true-client-ip",
    ] {
        headers.append(name, "1.1.1.1".parse().unwrap());
    }
    headers.append("x-api-key", "stays".parse().unwrap());
    strip(&mut headers);
    assert_eq!(headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["x-api-key"]);
}

fn head(version: Version, uri: &str, hosts: &[&str]) -> Request {
    let mut request = Request::new(Body::empty());
    *request.version_mut() = version;
    *request.uri_mut() = uri.parse().unwrap();
    for host in hosts {
        request.headers_mut().append("host", host.parse().unwrap());
    }
    request
}

#[test]
fn a_request_has_exactly_one_host() {
    let rule = HeadRule::new(&ServerSettings::default());
    let ok = [
        head(Version::HTTP_11, "/", &["a.example"]),
        head(Version::HTTP_11, "http://a.example/", &["a.example"]),
        head(Version::HTTP_10, "/", &[]),
        head(Version::HTTP_2, "http://a.example/", &[]),
        head(Version::HTTP_2, "http://a.example/", &["A.EXAMPLE"]),
    ];
    for request in ok {
        assert_eq!(rule.check(&request), Ok(()), "{request:?}");
    }
    let refused = [
        head(Version::HTTP_11, "/", &[]),
        head(Version::HTTP_11, "/", &["a.example", "a.example"]),
        head(Version::HTTP_11, "/", &["a.example", "b.example"]),
        head(Version::HTTP_11, "/", &[""]),
        head(Version::HTTP_11, "/", &["user@a.example"]),
        head(Version::HTTP_11, "http://b.example/", &["a.example"]),
        head(Version::HTTP_2, "/", &[]),
        head(Version::HTTP_2, "http://a.example/", &["b.example"]),
    ];
    for request in refused {
        assert_eq!(rule.check(&request), Err(EdgeFault::Host), "{request:?}");
    }
}

#[test]
fn a_host_must_be_on_the_list_if_there_is_one() {
    let settings = ServerSettings {
        api_url: Some("https://api.example.com".to_owned()),
        hosts: vec!["Other.Example".to_owned()],
        ..ServerSettings::default()
    };
    let rule = HeadRule::new(&settings);
    for (host, expected) in [
        ("api.example.com", Ok(())),
        ("API.example.com.:443", Ok(())),
        ("other.example", Ok(())),
        ("localhost:8080", Ok(())),
        ("[::1]:8080", Ok(())),
        ("evil.example", Err(EdgeFault::Host)),
        ("api.example.com.evil.example", Err(EdgeFault::Host)),
    ] {
        assert_eq!(rule.check(&head(Version::HTTP_11, "/", &[host])), expected, "{host}");
    }
    let public = ServerSettings { listen: "192.0.2.1:80".parse().unwrap(), ..settings };
    let request = head(Version::HTTP_11, "/", &["localhost"]);
    assert_eq!(HeadRule::new(&public).check(&request), Err(EdgeFault::Host));
}

#[test]
fn large_heads_and_long_paths_are_refused() {
    let rule = HeadRule::new(&ServerSettings::default());
    let long = format!("/{}", "a".repeat(8 << 10));
    assert_eq!(rule.check(&head(Version::HTTP_11, &long, &["a"])), Err(EdgeFault::UriTooLong));
    assert_eq!(rule.check(&head(Version::HTTP_11, &long[..8 << 10], &["a"])), Ok(()));
    let mut many = head(Version::HTTP_11, "/", &["a"]);
    for _ in 0..100 {
        many.headers_mut().append("x-a", "1".parse().unwrap());
    }
    assert_eq!(rule.check(&many), Err(EdgeFault::HeadTooLarge));
    let mut big = head(Version::HTTP_11, "/", &["a"]);
    big.headers_mut().append("x-a", "a".repeat(32 << 10).parse().unwrap());
    assert_eq!(rule.check(&big), Err(EdgeFault::HeadTooLarge));
}

#[test]
fn a_websocket_is_refused_and_an_offer_of_http2_is_ignored() {
    let rule = HeadRule::new(&ServerSettings::default());
    for (offer, expected) in
        [("websocket", Err(EdgeFault::Upgrade)), ("h2c, WebSocket", Err(EdgeFault::Upgrade)), ("h2c", Ok(()))]
    {
        let mut request = head(Version::HTTP_11, "/", &["a"]);
        request.headers_mut().append("upgrade", offer.parse().unwrap());
        assert_eq!(rule.check(&request), expected, "{offer}");
    }
}
