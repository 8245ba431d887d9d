//! What the tests of the router have in common.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::super::{
    Asked, Availability, Clients, Decision, DuetConfig, DuetError, DuetOverrides, DuetRequest, DuetRouter,
    Lexicon, Offer, OfferHealth, Policy, RoleChoice, Session, Unavailable, Verdict, Weights,
};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::dialect::{Endpoint, Transcript};
use crate::price::{ModelId, PriceSheet};
use crate::provider::Vendor;

static ROUTER: LazyLock<DuetRouter> = LazyLock::new(|| DuetRouter::embedded().unwrap());
static SHEET: LazyLock<Arc<PriceSheet>> = LazyLock::new(|| Arc::new(PriceSheet::embedded().unwrap()));

/// The catalogue of the library, and what of it is out of order.
#[derive(Debug)]
pub(super) struct Catalogue {
    sheet: Arc<PriceSheet>,
    pub(super) down: Vec<Vendor>,
    pub(super) forbidden: Vec<&'static str>,
}

impl Availability for Catalogue {
    fn find(&self, model: &ModelId) -> Result<Offer, Unavailable> {
        if self.forbidden.contains(&model.as_str()) {
            return Err(Unavailable::NotAllowed);
        }
        let model = self.sheet.find(model.as_str()).ok_or(Unavailable::NotServed)?;
        let down = self.down.contains(&model.vendor);
        let health = if down { OfferHealth::Down } else { OfferHealth::Up };
        Ok(Offer { model: Arc::clone(model), health })
    }
}

/// A router and what it is asked under.
#[derive(Debug)]
pub(super) struct World {
    pub(super) router: DuetRouter,
    pub(super) catalogue: Catalogue,
    pub(super) key: DuetOverrides,
    pub(super) header: Option<RoleChoice>,
    pub(super) alias: RoleChoice,
    pub(super) session: Option<Session>,
    pub(super) input_tokens: u64,
    pub(super) now: Timestamp,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            router: ROUTER.clone(),
            catalogue: Catalogue { sheet: Arc::clone(&SHEET), down: Vec::new(), forbidden: Vec::new() },
            key: DuetOverrides::default(),
            header: None,
            alias: RoleChoice::Auto,
            session: None,
            input_tokens: 1_000,
            now: Timestamp::from_millis(1_790_000_000_000),
        }
    }

    /// A world in which every score is a tie.
    pub(super) fn undecided() -> Self {
        let clients = Clients::from_toml(include_str!("../../../data/duet/clients.toml")).unwrap();
        let lexicon = Lexicon::from_toml(include_str!("../../../data/duet/lexicon.toml")).unwrap();
        let router = DuetRouter::new(clients, lexicon, Weights::from_fit([0; 4], [], 1, 0));
        Self { router, ..Self::new() }
    }

    pub(super) fn decide(&self, endpoint: Endpoint, body: &Value) -> Result<Decision, DuetError> {
        let body = Content::new(body.to_string().into());
        let transcript = Transcript::read(endpoint, &body).unwrap();
        let policy = Policy::of(&DuetConfig::default(), &DuetOverrides::default(), &self.key);
        self.router.decide(DuetRequest {
            transcript: &transcript,
            header: self.header,
            alias: self.alias,
            policy: &policy,
            availability: &self.catalogue,
            session: self.session.as_ref(),
            input_tokens: self.input_tokens,
            now: self.now,
        })
    }

    pub(super) fn verdict(&self, endpoint: Endpoint, body: &Value) -> Verdict {
        let body = Content::new(body.to_string().into());
        let transcript = Transcript::read(endpoint, &body).unwrap();
        self.router.classify(&transcript, Asked { header: self.header, alias: self.alias, pinned: None })
    }
}

/// The rule and the role, as one text.
pub(super) fn told(verdict: &Verdict) -> String {
    format!("{} {}", verdict.rule, verdict.role)
}
