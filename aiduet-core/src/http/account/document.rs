//! The account API as an OpenAPI document, put together from its handlers.

use http::StatusCode;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr,
    ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};

use super::archive;
use super::cookie;
use super::problem::Details;
use super::summaries::summary;

const ACCESS_TOKEN: &str = "access_token";
const REFRESH_COOKIE: &str = "refresh_cookie";

/// What is said once and holds for every operation.
pub(super) fn frame() -> OpenApi {
    let mut schemas = vec![(Details::name().into_owned(), Details::schema())];
    Details::schemas(&mut schemas);
    schemas.extend(archive::schemas());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token that signing in or refreshing answers with."))
        .build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .response("Problem", problem())
        .security_scheme(ACCESS_TOKEN, SecurityScheme::Http(bearer))
        .security_scheme(
            REFRESH_COOKIE,
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(cookie::REFRESH))),
        );
    let info = InfoBuilder::new()
        .title("AI Duet account API")
        .version("1")
        .description(Some(ABOUT))
        .license(Some(License::new("MIT OR Apache-2.0")));
    let tags =
        TAGS.iter().map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    let required = SecurityRequirement::new(ACCESS_TOKEN, Vec::<String>::new());
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components.build()))
        .security(Some([required]))
        .tags(Some(tags))
        .build()
}

const ABOUT: &str = "Accounts, API keys, usage and money. Amounts are decimal texts in USD, with the same in \
    nano-USD (10^-9 USD) as an integer beside them; moments are RFC 3339 in UTC. An unknown member of a body \
    or query is an error. Answers of a problem follow RFC 9457 and speak English, Chinese or Japanese.";

const TAGS: &[(&str, &str)] = &[
    ("auth", "Signing up, in and out; links of mails."),
    ("me", "The account of the person, its sessions and what happened to it."),
    ("keys", "API keys."),
    ("billing", "The balance, what happened to it, and how credit is bought."),
    ("usage", "What was used and what it cost; the requests of the last 90 days."),
    ("public", "For anyone."),
    ("admin", "For operators, recently confirmed by password; for everyone else nothing is there."),
];

fn problem() -> utoipa::openapi::Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Details::name()))).build();
    ResponseBuilder::new().description("What is wrong.").content("application/problem+json", content).build()
}

/// Adds to every operation what its handler does not say: what its answers are called, the answer
/// of a problem, and its summary in Chinese and Japanese.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for (status, response) in &mut operation.responses.responses {
            let reason =
                status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok()?.canonical_reason());
            if let (RefOr::T(response), Some(reason)) = (response, reason)
                && response.description.is_empty()
            {
                reason.clone_into(&mut response.description);
            }
        }
        let problem = RefOr::Ref(Ref::from_response_name("Problem"));
        operation.responses.responses.insert("default".to_owned(), problem);
        let name = operation.operation_id.as_deref().unwrap_or_default();
        let Some([zh, ja]) = summary(name) else { continue };
        operation.extensions = Some(Extensions::from_iter([("x-summary-zh", zh), ("x-summary-ja", ja)]));
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::account::document;
    use crate::http::account::summaries::SUMMARIES;

    #[test]
    fn every_operation_has_a_name_a_tag_and_a_summary_in_three_languages() {
        let mut document = document();
        let mut names = BTreeSet::new();
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            let name = operation.operation_id.clone().unwrap();
            assert!(operation.summary.as_ref().is_some_and(|summary| summary.ends_with('.')), "{name}");
            let tags: Vec<_> = operation.tags.clone().unwrap_or_default();
            assert!(
                tags.iter().all(|tag| TAGS.iter().any(|(known, _about)| known == tag)),
                "{name}: {tags:?}"
            );
            assert_eq!(tags.len(), 1, "{name}");
            assert!(operation.extensions.is_some(), "{name} has no summary in Chinese and Japanese");
            assert!(names.insert(name.clone()), "two operations are called {name}");
        }
        let unused: Vec<_> =
            SUMMARIES.iter().map(|(name, _)| *name).filter(|name| !names.contains(*name)).collect();
        assert_eq!(unused, Vec::<&str>::new(), "summaries of what does not exist");
    }
}
