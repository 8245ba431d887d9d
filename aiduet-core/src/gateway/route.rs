//! From the names in a request to the models that may answer it, in order.

use std::fmt;
use std::sync::Arc;

use super::duet::Ruling;
use super::receive::Received;
use super::{Gateway, GatewayError};
use crate::account::Locale;
use crate::clock::Timestamp;
use crate::dialect::{Endpoint, RequestFault};
use crate::duet::{Availability, Decision, Offer, OfferHealth, Unavailable};
use crate::price::{ModelId, PriceSheet, PricedModel};
use crate::provider::Vendor;
use crate::routing::{Affinity, ProviderHealth};
use crate::translate::upstream_endpoint;

/// Headers in which clients name their conversation.
pub(super) const SESSIONS: [&str; 4] =
    ["x-claude-code-session-id", "x-session-id", "session_id", "conversation_id"];

/// Endpoints that generate, in the order in which they are preferred for a translation.
const GENERATING: [Endpoint; 3] = [Endpoint::Messages, Endpoint::Responses, Endpoint::ChatCompletions];

/// A model that may answer, and how it is asked.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) model: Arc<PricedModel>,
    /// Its name at the provider; `None`: as the client wrote it.
    pub(super) name: Option<ModelId>,
    /// Where the provider serves it.
    pub(super) endpoint: Endpoint,
}

/// Models that may answer, in order; never empty.
#[derive(Clone)]
pub(super) struct Route {
    /// The prices that hold for the whole request.
    pub(super) sheet: Arc<PriceSheet>,
    first: Candidate,
    others: Vec<Candidate>,
    /// What the duet has decided, if it chose the models.
    pub(super) duet: Option<Ruling>,
    /// What ties the request to an upstream.
    pub(super) affinity: Affinity,
}

/// The models of each stage of an ensemble.
pub(super) struct Ensemble {
    pub(super) plan: Route,
    pub(super) code: Route,
    pub(super) review: Route,
    pub(super) ruling: Ruling,
    /// The language of the request.
    pub(super) language: Locale,
}

const OF_ITS_OWN: &str = "an ensemble has models of its own for each stage; leave it out";

impl Route {
    pub(super) fn candidate(&self, place: usize) -> Option<&Candidate> {
        match place.checked_sub(1) {
            None => Some(&self.first),
            Some(place) => self.others.get(place),
        }
    }

    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.others.len().saturating_add(1)
    }
}

impl Gateway {
    /// The models that the request names, as far as they can serve it: those whose vendor can be
    /// called now before those whose vendor cannot.
    ///
    /// # Errors
    /// Why the first one cannot serve, if none can.
    pub(super) async fn choose(&self, received: &Received) -> Result<Route, GatewayError> {
        let now = self.parts.clock.now();
        let sheet = self.parts.prices.sheet(now).await?;
        let resolver = Resolver { gateway: self, received, sheet: &sheet, now };
        let duet = match self.duet_choice(received)? {
            None => None,
            Some(choice) => Some(self.rule(received, choice, &resolver)?),
        };
        let found = match &duet {
            Some(Ruling::One(decision, _)) => resolver.chosen(decision),
            Some(Ruling::Ensemble(_)) | None => resolver.named(),
        };
        self.route(received, (&sheet, found), duet)
    }

    /// The models of each stage of an ensemble, and the language that it is to speak.
    ///
    /// # Errors
    /// Why a stage has none.
    pub(super) async fn choose_ensemble(&self, received: &Received) -> Result<Ensemble, GatewayError> {
        let now = self.parts.clock.now();
        let sheet = self.parts.prices.sheet(now).await?;
        let resolver = Resolver { gateway: self, received, sheet: &sheet, now };
        let (cast, language) = self.rule_ensemble(received, &resolver)?;
        if !received.head.fallbacks.is_empty() {
            return Err(GatewayError::Invalid(RequestFault::unsupported("models", OF_ITS_OWN)));
        }
        let route = |decision| self.route(received, (&sheet, resolver.chosen(decision)), None);
        let (plan, code, review) = (route(&cast.plan)?, route(&cast.code)?, route(&cast.review)?);
        Ok(Ensemble { plan, code, review, ruling: Ruling::Ensemble(Arc::new(cast)), language })
    }

    fn route(
        &self,
        received: &Received,
        (sheet, found): (&Arc<PriceSheet>, Found),
        duet: Option<Ruling>,
    ) -> Result<Route, GatewayError> {
        let Found { first, mut others, error } = found;
        let Some(mut first) = first else {
            let head = &received.head;
            let is_named = head.model.is_some() || !head.fallbacks.is_empty();
            let nobody = || match is_named {
                true => GatewayError::ModelNotFound,
                false => GatewayError::Invalid(RequestFault::missing("model")),
            };
            return Err(error.unwrap_or_else(nobody));
        };
        let is_down = |candidate: &Candidate| self.health.of(candidate.model.vendor) == ProviderHealth::Down;
        if is_down(&first) {
            match others.iter().position(|candidate| !is_down(candidate)) {
                Some(place) => {
                    let healthy = others.remove(place);
                    others.push(std::mem::replace(&mut first, healthy));
                }
                None => return Err(GatewayError::Upstream(self.health.resting(first.model.vendor))),
            }
        }
        others.sort_by_key(is_down);
        Ok(Route { sheet: Arc::clone(sheet), first, others, duet, affinity: self.affinity(received) })
    }

    /// Calls of one conversation go to one upstream; of one account, where it is not named.
    fn affinity(&self, received: &Received) -> Affinity {
        let several =
            [Vendor::Anthropic, Vendor::OpenAi].iter().any(|vendor| self.health.pool().of(*vendor).len() > 1);
        if !several {
            return Affinity::default();
        }
        let session = SESSIONS.iter().find_map(|name| received.headers.get(*name));
        let account = received.caller.key().account.as_uuid();
        Affinity::of(&(account.as_bytes(), session.map(http::HeaderValue::as_bytes)))
    }
}

/// Where the name of a model stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// In the field that goes to the provider.
    InPlace,
    /// In the configuration, or in the list of fallbacks.
    Elsewhere,
}

/// The candidates found so far.
#[derive(Default)]
struct Found {
    first: Option<Candidate>,
    others: Vec<Candidate>,
    error: Option<GatewayError>,
}

impl Found {
    fn add(&mut self, candidate: Result<Candidate, GatewayError>) {
        match (candidate, &self.first) {
            (Err(error), _) => drop(self.error.get_or_insert(error)),
            (Ok(candidate), None) => self.first = Some(candidate),
            (Ok(candidate), Some(first)) => {
                let known = std::iter::once(first).chain(&self.others);
                if !known.map(|known| &known.model.id).any(|id| *id == candidate.model.id) {
                    self.others.push(candidate);
                }
            }
        }
    }
}

struct Resolver<'a> {
    gateway: &'a Gateway,
    received: &'a Received,
    sheet: &'a PriceSheet,
    now: Timestamp,
}

impl fmt::Debug for Resolver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The request holds content.
        f.debug_struct("Resolver").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Availability for Resolver<'_> {
    fn find(&self, model: &ModelId) -> Result<Offer, Unavailable> {
        let model = self.usable(None, model.as_str()).map_err(|error| match error {
            GatewayError::ModelNotAllowed => Unavailable::NotAllowed,
            _ => Unavailable::NotServed,
        })?;
        if !model.generates() || self.gateway.health.pool().of(model.vendor).is_empty() {
            return Err(Unavailable::NotServed);
        }
        let health = match self.gateway.health.of(model.vendor) {
            ProviderHealth::Down => OfferHealth::Down,
            ProviderHealth::Up | ProviderHealth::Degraded => OfferHealth::Up,
        };
        Ok(Offer { model: Arc::clone(model), health })
    }
}

impl Resolver<'_> {
    /// The models of the duet; then what the client falls back on.
    fn chosen(&self, decision: &Decision) -> Found {
        let mut found = Found::default();
        let models = std::iter::once(decision.model()).chain(decision.alternatives());
        for model in models {
            found.add(self.resolve(model.id.as_str(), Written::Elsewhere));
        }
        self.add_fallbacks(&mut found);
        found
    }

    /// What the model name stands for; then what the client falls back on.
    fn named(&self) -> Found {
        let mut found = Found::default();
        if let Some(name) = &self.received.head.model {
            self.add(name.expose(), Written::InPlace, &mut found);
        }
        self.add_fallbacks(&mut found);
        found
    }

    fn add_fallbacks(&self, found: &mut Found) {
        for name in &self.received.head.fallbacks {
            self.add(name.expose(), Written::Elsewhere, found);
        }
    }

    fn add(&self, written: &str, place: Written, found: &mut Found) {
        match self.gateway.config.aliases.find(written) {
            None => found.add(self.resolve(written, place)),
            Some(models) => {
                for model in models {
                    found.add(self.resolve(model.as_str(), Written::Elsewhere));
                }
            }
        }
    }

    /// The model of a name, if this caller may use it.
    fn usable(&self, vendor: Option<Vendor>, name: &str) -> Result<&Arc<PricedModel>, GatewayError> {
        let model = self.sheet.find_at(name, self.now).ok_or(GatewayError::ModelNotFound)?;
        if vendor.is_some_and(|vendor| vendor != model.vendor) {
            return Err(GatewayError::ModelNotFound);
        }
        if !self.received.caller.key().limits.allows_model(&model.id) {
            return Err(GatewayError::ModelNotAllowed);
        }
        Ok(model)
    }

    /// The same, if there is a way to ask it.
    fn resolve(&self, written: &str, place: Written) -> Result<Candidate, GatewayError> {
        let (vendor, name) = split_vendor(written);
        let model = self.usable(vendor, name)?;
        let endpoint = self.serving(model)?;
        if self.gateway.health.pool().of(model.vendor).is_empty() {
            return Err(GatewayError::ModelNotFound);
        }
        // A dated snapshot keeps the name the client wrote; only a vendor prefix is cut off.
        let as_written = place == Written::InPlace && vendor.is_none();
        let name = if as_written { None } else { ModelId::parse(name).ok() };
        Ok(Candidate { model: Arc::clone(model), name, endpoint })
    }

    /// The endpoint that is asked: that of the client if it serves the model, else one that a
    /// translation leads to.
    fn serving(&self, model: &PricedModel) -> Result<Endpoint, GatewayError> {
        let client = self.received.endpoint;
        match (client, model.vendor) {
            (Endpoint::CountTokens, _) | (Endpoint::InputTokens, Vendor::OpenAi) if model.generates() => {
                return Ok(client);
            }
            _ => {}
        }
        let serves = |endpoint: &Endpoint| model.endpoints.contains(endpoint);
        let wanted = upstream_endpoint(client, model.vendor, model.id.as_str(), &self.received.body);
        let other = || {
            let may = client.is_billed() && client != Endpoint::Embeddings;
            GENERATING.into_iter().filter(|_endpoint| may).find(serves)
        };
        Some(wanted).filter(serves).or_else(other).ok_or_else(|| {
            let served_on = model.endpoints.first().map(|endpoint| endpoint.path());
            GatewayError::WrongEndpoint { served_on }
        })
    }
}

/// `anthropic/…` and `openai/…` name a vendor; any other text is a model name as it is.
fn split_vendor(name: &str) -> (Option<Vendor>, &str) {
    match name.split_once('/').map(|(vendor, rest)| (Vendor::from_name(vendor), rest)) {
        Some((Some(vendor), rest)) => (Some(vendor), rest),
        _ => (None, name),
    }
}
