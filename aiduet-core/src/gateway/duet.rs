//! Requests that leave the model to the gateway: the duet chooses it.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::receive::Received;
use super::route::SESSIONS;
use super::{Gateway, GatewayError};
use crate::account::Locale;
use crate::clock::Timestamp;
use crate::dialect::{Endpoint, RequestFault, Transcript};
use crate::duet::{
    Answered, Assignment, Availability, Cast, Decision, DuetError, DuetOverrides, DuetRequest, Explanation,
    Policy, Reason, Role, RoleChoice, SessionKey, SessionMemory, UnknownRole,
};
use crate::keys::ApiKey;
use crate::ledger::Routing;
use crate::price::ModelId;

/// Names the role of a request that the duet answers, before its model name and its key do.
const ROLE: HeaderName = HeaderName::from_static("x-aiduet-role");

const NO_TOOLS: &str = "an ensemble calls no tools; leave them out, or ask for duet";

/// How the duet came to the model that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The role, or that all of them have answered.
    pub role: Assignment,
    /// Why this role and this model.
    pub reason: Reason,
}

/// What the duet has decided about a request.
#[derive(Clone, Debug)]
pub(super) enum Ruling {
    /// One model answers.
    One(Arc<Decision>, Remembrance),
    /// Several do, one after the other.
    Ensemble(Arc<Cast>),
}

/// Where a conversation is remembered.
#[derive(Clone, Debug)]
pub(super) struct Remembrance {
    conversation: SessionKey,
    memory: Arc<SessionMemory>,
}

impl Ruling {
    /// What the caller is told when this model answers.
    pub(super) fn told(&self, model: &ModelId) -> Routed {
        match self {
            Self::One(decision, _) => {
                Routed { role: decision.role().into(), reason: decision.reason_for(model) }
            }
            Self::Ensemble(cast) => Routed { role: Assignment::Ensemble, reason: cast.reason() },
        }
    }

    /// What the record says.
    pub(super) fn recorded(&self) -> Routing {
        match self {
            Self::One(decision, _) => Routing { role: decision.role().into(), rule: decision.rule().kind() },
            Self::Ensemble(cast) => Routing { role: Assignment::Ensemble, rule: cast.rule() },
        }
    }

    /// Takes note of the model that has read the prompt, so that the conversation stays with it.
    pub(super) fn note(&self, model: &ModelId, prompt_tokens: u64, at: Timestamp) {
        let Self::One(decision, Remembrance { conversation, memory }) = self else { return };
        let (role, model) = (decision.role(), model.clone());
        memory.note(*conversation, Answered { role, model, tokens: prompt_tokens, at });
    }

    /// The decision in full.
    pub(super) fn explanation(&self) -> Explanation {
        match self {
            Self::One(decision, _) => decision.explanation(),
            Self::Ensemble(cast) => cast.explanation(),
        }
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

    /// Whether a request asks for an ensemble. A role in its header comes before the name.
    ///
    /// # Errors
    /// Those of [`duet_choice`](Self::duet_choice).
    pub(super) fn wants_ensemble(&self, received: &Received) -> Result<bool, GatewayError> {
        let is_named = self.duet_choice(received)? == Some(RoleChoice::Ensemble);
        Ok(is_named && !received.headers.contains_key(ROLE))
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
        let policy = self.duet_policy(received.caller.key());
        let alias = match (alias, header) {
            (RoleChoice::Ensemble, None) => {
                self.ensemble_is_allowed(&policy)?;
                // What is counted is the prompt of the model that writes the answer.
                RoleChoice::Role(Role::Code)
            }
            (RoleChoice::Ensemble, Some(_)) => RoleChoice::Auto,
            (alias, _) => alias,
        };
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
            policy: &policy,
            availability,
            session: session.as_ref(),
            input_tokens: received.head.input_tokens_guess,
            now: received.started_at,
        })?;
        let memory = Arc::clone(&self.conversations);
        Ok(Ruling::One(Arc::new(decision), Remembrance { conversation, memory }))
    }

    /// Lets the duet decide who answers what in an ensemble, and tells the language of the request.
    ///
    /// # Errors
    /// [`GatewayError::Duet`], [`GatewayError::ModelNotFound`], [`GatewayError::Invalid`].
    pub(super) fn rule_ensemble(
        &self,
        received: &Received,
        availability: &dyn Availability,
    ) -> Result<(Cast, Locale), GatewayError> {
        let policy = self.duet_policy(received.caller.key());
        self.ensemble_is_allowed(&policy)?;
        let transcript =
            Transcript::read(received.endpoint, &received.body).map_err(GatewayError::Invalid)?;
        if !transcript.tools.is_empty() {
            return Err(GatewayError::Invalid(RequestFault::unsupported("tools", NO_TOOLS)));
        }
        let cast = self.parts.duet.cast(DuetRequest {
            transcript: &transcript,
            header: None,
            alias: RoleChoice::Ensemble,
            policy: &policy,
            availability,
            session: None,
            input_tokens: received.head.input_tokens_guess,
            now: received.started_at,
        })?;
        Ok((cast, self.parts.duet.language(&transcript)))
    }

    /// # Errors
    /// [`GatewayError::ModelNotFound`] where the operator serves none, [`DuetError::NotAllowed`] where the
    /// key may not use one.
    fn ensemble_is_allowed(&self, policy: &Policy) -> Result<(), GatewayError> {
        match (self.config.duet.ensemble.enabled, policy.ensemble) {
            _ if !policy.enabled => Err(DuetError::Disabled.into()),
            (false, _) => Err(GatewayError::ModelNotFound),
            (true, false) => Err(DuetError::NotAllowed.into()),
            (true, true) => Ok(()),
        }
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
        let mut names = vec![
            ("duet", models(&Role::ALL)),
            ("duet/plan", models(&[Role::Plan])),
            ("duet/code", models(&[Role::Code])),
            ("duet/review", models(&[Role::Review])),
        ];
        if policy.ensemble {
            names.push(("duet/ensemble", models(&[Role::Plan, Role::Code, Role::Review])));
        }
        names
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
