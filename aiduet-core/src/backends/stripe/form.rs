//! Parameters of a call: `application/x-www-form-urlencoded`, with brackets for what is nested.

use reqwest::Url;

/// The parameters of a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(&'static str, String)>);

impl Form {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a parameter.
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.push((name, value.to_string()));
        self
    }

    /// As the query of an address.
    pub(super) fn into_query(self, mut url: Url) -> Url {
        if !self.0.is_empty() {
            url.query_pairs_mut().extend_pairs(self.0);
        }
        url
    }

    /// As a body.
    pub(super) fn into_body(self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.0).finish()
    }
}
