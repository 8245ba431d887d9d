//! The public pages, and the policies as data.

use axum::body::Body;
use http::Request;

use super::site::{Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    every_page_is_there_in_three_languages_and_loads_nothing_from_elsewhere
    short_addresses_lead_to_the_language_of_the_client
    a_program_gets_its_own_answers_and_a_person_a_page
    sec_t16_pages_have_their_headers
    policies_are_pages_and_data_alike
    prices_on_the_page_are_those_that_are_charged
    prices_of_a_model_are_those_of_the_list
    prices_are_found_by_name_and_are_a_file_too
}

const PAGES: [&str; 8] =
    ["/", "/docs", "/pricing", "/status", "/privacy/proof", "/privacy", "/terms", "/policies"];
const LANGUAGES: [(&str, &str); 3] = [("en", "en"), ("zh", "zh-CN"), ("ja", "ja")];

async fn get(site: &Site, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    site.send("192.0.2.1".parse().unwrap(), request.body(Body::empty()).unwrap()).await
}

/// The values of an attribute.
fn values<'t>(text: &'t str, attribute: &str) -> Vec<&'t str> {
    let mark = format!(" {attribute}=\"");
    text.split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

async fn every_page_is_there_in_three_languages_and_loads_nothing_from_elsewhere(store: Store) {
    let site = Site::open(store).await;
    for (segment, tag) in LANGUAGES {
        for path in PAGES {
            let page = get(&site, &format!("/{segment}{path}"), &[]).await.expect(200);
            assert!(page.text.starts_with("<!doctype html>"), "{segment}{path}");
            assert!(page.text.contains(&format!("<html lang=\"{tag}\">")), "{segment}{path}");
            assert_eq!(page.text.matches("<h1>").count(), 1, "{segment}{path}");
            assert!(!page.text.contains("<script") && !page.text.contains(" style="), "{segment}{path}");
            for place in values(&page.text, "href").into_iter().chain(values(&page.text, "src")) {
                assert!(place.starts_with('/') || place.starts_with('#'), "{segment}{path} leads to {place}");
                if place.starts_with("/dashboard") || place.starts_with('#') {
                    continue;
                }
                let status = get(&site, place, &[]).await.status;
                assert_eq!(status, 200, "{segment}{path} leads to {place}");
            }
        }
    }
}

async fn short_addresses_lead_to_the_language_of_the_client(store: Store) {
    let site = Site::open(store).await;
    for (language, segment) in [("ja", "ja"), ("zh-CN,zh;q=0.9", "zh"), ("fr", "en"), ("", "en")] {
        for path in PAGES {
            let asked = [("accept-language", language), ("accept", "text/html,*/*;q=0.8")];
            let reply = get(&site, path, &asked).await.expect(303);
            assert_eq!(reply.header("location"), format!("/{segment}{path}"));
            assert!(reply.header("vary").contains("accept-language"));
        }
    }
}

async fn a_program_gets_its_own_answers_and_a_person_a_page(store: Store) {
    let site = Site::open(store).await;
    assert_eq!(get(&site, "/", &[]).await.expect(200).text, "ok");
    let person = [("accept", "text/html"), ("accept-language", "ja")];
    let lost = get(&site, "/nowhere", &person).await.expect(404);
    assert!(lost.text.contains("ここには何もありません"), "{}", lost.text);
    assert!(lost.header("content-type").starts_with("text/html"));
    let program = get(&site, "/nowhere", &[]).await.expect(404);
    assert!(program.header("content-type").starts_with("application/json"));
    let api = get(&site, "/api/v1/nowhere", &person).await.expect(404);
    assert_eq!(api.header("content-type"), "application/problem+json");
}

async fn sec_t16_pages_have_their_headers(store: Store) {
    let site = Site::open(store).await;
    for path in [
        "/en/",
        "/zh/pricing",
        "/ja/privacy",
        "/style.css",
        "/icon.svg",
        "/robots.txt",
        "/privacy",
        "/nowhere",
    ] {
        let page = get(&site, path, &[("accept", "text/html")]).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("trusted-types 'none'"),
            "{path}"
        );
        for (name, value) in [
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("set-cookie", ""),
        ] {
            assert_eq!(page.header(name), value, "{name} of {path}");
        }
    }
}

async fn policies_are_pages_and_data_alike(store: Store) {
    let site = Site::open(store).await;
    let list = get(&site, "/api/v1/policies", &[]).await.expect(200).json();
    let policies = list["data"].as_array().unwrap().clone();
    assert_eq!(policies.iter().filter(|policy| policy["in_force"] == true).count(), 2);
    for policy in policies {
        let place = format!("{}/{}", policy["kind"].as_str().unwrap(), policy["version"].as_str().unwrap());
        for (segment, tag) in LANGUAGES {
            let data =
                get(&site, &format!("/api/v1/policies/{place}?locale={tag}"), &[]).await.expect(200).json();
            let page = get(&site, &format!("/{segment}/policies/{place}"), &[]).await.expect(200);
            assert!(page.text.contains(data["title"].as_str().unwrap()));
            let text = data["text"].as_str().unwrap();
            let headings = text.lines().filter_map(|line| line.strip_prefix("## ")).collect::<Vec<_>>();
            assert!(headings.len() > 3);
            for heading in headings {
                assert!(page.text.contains(&format!("<h2>{heading}</h2>")), "{heading}");
            }
            assert!(!page.text.contains("{operator}") && !page.text.contains("{contact}"));
        }
    }
    get(&site, "/api/v1/policies/privacy/2020-01-01", &[]).await.refused(404, "not_found");
    get(&site, "/api/v1/policies/privacy/2026-11-26?locale=fr", &[]).await.refused(400, "invalid_request");
    get(&site, "/en/policies/privacy/2020-01-01", &[]).await.expect(404);
    get(&site, "/en/policies/cookies/2026-11-26", &[]).await.expect(404);
    // The first version has none before it.
    get(&site, "/en/policies/privacy/2026-11-26/changes", &[]).await.expect(404);
}

async fn prices_on_the_page_are_those_that_are_charged(store: Store) {
    let site = Site::open(store).await;
    let page = get(&site, "/en/pricing", &[]).await.expect(200);
    let sheet = site.app.prices().sheet(site.factory.now()).await.unwrap();
    let vendors: Vec<_> = site.app.gateway().vendors().collect();
    let mut sold = 0;
    for model in sheet.models.values().filter(|model| vendors.contains(&model.vendor)) {
        let Some(row) =
            page.text.split("<tr>").find(|row| row.contains(&format!("<code>{}</code>", model.id)))
        else {
            assert!(model.retires_at.is_some(), "{} has no row", model.id);
            continue;
        };
        sold += 1;
        let shown = row.split("<td class=\"number\">").nth(1).unwrap().split('<').next().unwrap();
        let (dollars, decimals) = shown.split_once('.').unwrap();
        let micro: u64 = format!("{dollars}{decimals:0<6}").parse().unwrap();
        assert_eq!(micro, model.standard.base.input.pico(), "{}", model.id);
    }
    assert!(sold > 10);
}

async fn prices_of_a_model_are_those_of_the_list(store: Store) {
    let site = Site::open(store).await;
    let list = get(&site, "/api/v1/models", &[]).await.expect(200).json();
    let model = &list["data"][0];
    let path = format!("/api/v1/models/{}/prices", model["id"].as_str().unwrap());
    let prices = get(&site, &path, &[]).await.expect(200).json();
    assert_eq!((&prices["model"], &prices["unit"]), (&model["id"], &list["unit"]));
    let data = prices["data"].as_array().unwrap();
    let now: Vec<_> = data.iter().filter(|price| price["in_force"] == true).collect();
    assert_eq!((now.len(), &now[0]["rates"], &now[0]["tiers"]), (1, &model["rates"], &model["tiers"]));
    let dates: Vec<_> = data.iter().map(|price| price["effective_from"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|newer, older| newer > older), "{dates:?}");
    get(&site, "/api/v1/models/no-such-model/prices", &[]).await.refused(404, "not_found");
}

async fn prices_are_found_by_name_and_are_a_file_too(store: Store) {
    let site = Site::open(store).await;
    let rows = |page: &str| page.matches("<th scope=\"row\">").count();
    let all = get(&site, "/en/pricing", &[]).await.expect(200);
    let few = get(&site, "/en/pricing?q=MINI", &[]).await.expect(200);
    assert!((1..rows(&all.text)).contains(&rows(&few.text)));
    let none = get(&site, "/ja/pricing?q=%3Cscript%3E", &[]).await.expect(200);
    assert_eq!((rows(&none.text), none.text.contains("<script")), (0, false));
    let home = get(&site, "/en/", &[]).await.expect(200);
    assert!((1..10).contains(&rows(&home.text)) && home.text.contains("<pre tabindex=\"0\">"));
    let file = get(&site, "/pricing.csv", &[]).await.expect(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<&str> = file.text.trim().split("\r\n").collect();
    assert_eq!(lines.len(), rows(&all.text) + 1);
    assert!(lines.iter().all(|line| line.split(',').count() == 8), "{lines:?}");
}
