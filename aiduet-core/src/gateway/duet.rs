//! Requests that leave the model to the gateway: the duet chooses it.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::receive::Received;
use super::route::SESSIONS;
use super::{Gateway, GatewayError};
use crate::clock::Timestamp;
use crate::dialect::{Endpoint, Transcript};
use crate::duet::{
    Answered, Availability, Decision, DuetError, DuetOverrides, DuetRequest, Explanation, Policy, Reason,
    Role, RoleChoice, SessionKey, SessionMemory, UnknownRole,
};
use crate::keys::ApiKey;
use crate::ledger::Routing;
use crate::price::ModelId;

/// Names the role of a request that the duet answers, before its model name and its key do.
const ROLE: HeaderName = HeaderName::from_static("x-aiduet-role");

/// How the duet came to the model that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The role.
    pub role: Role,
    /// Why this role and this model.
    pub reason: Reason,
}

/// What the duet has decided about a request.
#[derive(Clone, Debug)]
pub(super) struct Ruling {
    decision: Arc<Decision>,
    conversation: SessionKey,
    memory: Arc<SessionMemory>,
}

impl Ruling {
    /// What the caller is told when this model answers.
    pub(super) fn told(&self, model: &ModelId) -> Routed {
        Routed { role: self.decision.role(), reason: self.decision.reason_for(model) }
    }

    /// What the record says.
    pub(super) fn recorded(&self) -> Routing {
        Routing { role: self.decision.role(), rule: self.decision.rule().kind() }
    }

    /// Takes note of the model that has read the prompt, so that the conversation stays with it.
    pub(super) fn note(&self, model: &ModelId, prompt_tokens: u64, at: Timestamp) {
        let (role, model) = (self.decision.role(), model.clone());
        self.memory.note(self.conversation, Answered { role, model, tokens: prompt_tokens, at });
    }

    /// The decision in full.
    pub(super) fn explanation(&self) -> Explanation {
        self.decision.explanation()
    }

    /// The models, best first.
    pub(super) fn models(&self) -> impl Iterator<Item = &ModelId> {
        let all = std::iter::once(self.decision.model()).chain(self.decision.alternatives());
        all.map(|model| &model.id)
    }
}

impl Gateway {
    /// What the model name of a request asks of the duet; `None` if it names a model. An alias of
    /// the operator comes before the names of the duet.
    ///
    /// # Errors
    /// [`GatewayError::ModelNotFound`] for a name of the duet that there is not,
    /// [`GatewayError::WrongEndpoint`] where nothing is generated.
    pub(super) fn duet_choice(&self, received: &Received) -> Result<Option<RoleChoice>, GatewayError> {
        let head = &received.head;
        let choice = match &head.model {
            None if !head.fallbacks.is_empty() || received.endpoint == Endpoint::Embeddings => None,
            None => Some(RoleChoice::Auto),
            Some(name) if self.config.aliases.find(name.expose()).is_some() => None,
            Some(name) => {
                RoleChoice::from_model(name.expose()).map_err(|_unknown| GatewayError::ModelNotFound)?
            }
        };
        if choice.is_some() && received.endpoint == Endpoint::Embeddings {
            return Err(GatewayError::WrongEndpoint { served_on: Some(Endpoint::ChatCompletions.path()) });
        }
        Ok(choice)
    }

    /// Lets the duet decide.
    ///
    /// # Errors
    /// [`GatewayError::UnknownRole`], [`GatewayError::Duet`], [`GatewayError::Invalid`].
    pub(super) fn rule(
        &self,
        received: &Received,
        alias: RoleChoice,
        availability: &dyn Availability,
    ) -> Result<Ruling, GatewayError> {
        let header = role_header(&received.headers)?;
        if alias == RoleChoice::Ensemble {
            return Err(DuetError::NoEnsemble.into());
        }
        let transcript =
            Transcript::read(received.endpoint, &received.body).map_err(GatewayError::Invalid)?;
        let name = SESSIONS.iter().find_map(|name| received.headers.get(*name));
        let account = received.caller.key().account;
        let conversation = self.conversations.key(account, name.map(HeaderValue::as_bytes), &transcript);
        let session = self.conversations.find(&conversation, received.started_at);
        let decision = self.parts.duet.decide(DuetRequest {
            transcript: &transcript,
            header,
            alias,
            policy: &self.duet_policy(received.caller.key()),
            availability,
            session: session.as_ref(),
            input_tokens: received.head.input_tokens_guess,
            now: received.started_at,
        })?;
        let memory = Arc::clone(&self.conversations);
        Ok(Ruling { decision: Arc::new(decision), conversation, memory })
    }

    fn duet_policy(&self, key: &ApiKey) -> Policy {
        Policy::of(&self.config.duet, &DuetOverrides::default(), &key.limits.duet)
    }

    /// The names of the duet that a key may ask for, each with the models that may answer: those
    /// of the role, and for the name without a role those of every role.
    pub fn duet_names(&self, key: &ApiKey) -> Vec<(&'static str, Vec<ModelId>)> {
        let policy = self.duet_policy(key);
        if !policy.enabled {
            return Vec::new();
        }
        let models = |roles: &[Role]| roles.iter().flat_map(|role| policy.models(*role)).cloned().collect();
        vec![
            ("duet", models(&Role::ALL)),
            ("duet/plan", models(&[Role::Plan])),
            ("duet/code", models(&[Role::Code])),
            ("duet/review", models(&[Role::Review])),
        ]
    }
}

/// The role that the header names.
///
/// # Errors
/// [`UnknownRole`] for anything but one name of a role.
fn role_header(headers: &HeaderMap) -> Result<Option<RoleChoice>, UnknownRole> {
    let mut values = headers.get_all(ROLE).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => RoleChoice::from_header(value.as_bytes()).map(Some),
        (Some(_), Some(_)) => Err(UnknownRole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_once_or_not_at_all() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ROLE, HeaderValue::from_static(value));
            }
            role_header(&headers)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["plan"]), Ok(Some(RoleChoice::Role(Role::Plan))));
        assert_eq!(read(&["auto"]), Ok(Some(RoleChoice::Auto)));
        assert_eq!(read(&["cook"]), Err(UnknownRole));
        assert_eq!(read(&["plan", "plan"]), Err(UnknownRole));
    }
}
