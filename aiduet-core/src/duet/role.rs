//! What a request is for.

use serde::{Deserialize, Serialize};

/// The name of an ensemble where a role has one.
const ENSEMBLE: &str = "ensemble";

/// What must come out of a request (`docs/duet.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Text for a file, shell or database, or an action.
    Code,
    /// A judgement, diagnosis or explanation of something that exists.
    Review,
    /// A decision, design or breakdown of something that does not exist yet.
    Plan,
    /// Everything else.
    Chat,
    /// A call that a client makes by itself: titles, tags, topic checks.
    Background,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Code, Self::Review, Self::Plan, Self::Chat, Self::Background];

    /// The roles that the scorer tells apart, in the order in which ties are broken.
    pub const SCORED: [Self; 4] = [Self::Code, Self::Review, Self::Plan, Self::Chat];

    /// The name in headers, configuration and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Review => "review",
            Self::Plan => "plan",
            Self::Chat => "chat",
            Self::Background => "background",
        }
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the duet made of a request: a role, or an ensemble of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// One model answers, for this role.
    Role(Role),
    /// Plan, code and review in one answer.
    Ensemble,
}

impl Assignment {
    /// The name in headers and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Role(role) => role.as_str(),
            Self::Ensemble => ENSEMBLE,
        }
    }

    /// The assignment with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == ENSEMBLE { Some(Self::Ensemble) } else { Role::from_name(name).map(Self::Role) }
    }
}

impl From<Role> for Assignment {
    fn from(role: Role) -> Self {
        Self::Role(role)
    }
}

impl std::fmt::Display for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Assignment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a header or a model name asks of the router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoleChoice {
    /// The router finds out.
    #[default]
    Auto,
    /// This role.
    Role(Role),
    /// Plan, code and review in one answer.
    Ensemble,
}

/// Not a role. The message lists the roles there are, and never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("x-aiduet-role must be one of plan, review, code, chat, background, auto")]
pub struct UnknownRole;

/// Not a name of the duet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the duet has no such alias; there are duet, duet/plan, duet/code, duet/review, duet/ensemble")]
pub struct UnknownAlias;

impl RoleChoice {
    /// Reads the value of `x-aiduet-role`.
    ///
    /// # Errors
    /// [`UnknownRole`] for anything but the name of a role or `auto`, in lower case.
    pub fn from_header(value: &[u8]) -> Result<Self, UnknownRole> {
        let name = std::str::from_utf8(value).map_err(|_utf8| UnknownRole)?.trim_ascii();
        if name == "auto" {
            return Ok(Self::Auto);
        }
        Role::from_name(name).map(Self::Role).ok_or(UnknownRole)
    }

    /// Reads a model name: `None` for one that is not the duet's.
    ///
    /// # Errors
    /// [`UnknownAlias`] for `duet/` and a word that is no alias.
    pub fn from_model(name: &str) -> Result<Option<Self>, UnknownAlias> {
        let Some(rest) = name.strip_prefix("duet") else { return Ok(None) };
        match rest {
            "" => Ok(Some(Self::Auto)),
            "/plan" => Ok(Some(Self::Role(Role::Plan))),
            "/code" => Ok(Some(Self::Role(Role::Code))),
            "/review" => Ok(Some(Self::Role(Role::Review))),
            "/ensemble" => Ok(Some(Self::Ensemble)),
            _ if rest.starts_with('/') => Err(UnknownAlias),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_a_role_or_auto() {
        for role in Role::ALL {
            assert_eq!(RoleChoice::from_header(role.as_str().as_bytes()), Ok(RoleChoice::Role(role)));
        }
        assert_eq!(RoleChoice::from_header(b" auto "), Ok(RoleChoice::Auto));
        for text in [&b"Plan"[..], b"", b"ensemble", b"plan,code", b"\xff"] {
            assert_eq!(RoleChoice::from_header(text), Err(UnknownRole));
        }
        let message = UnknownRole.to_string();
        assert!(Role::ALL.iter().all(|role| message.contains(role.as_str())) && message.contains("auto"));
    }

    #[test]
    fn an_assignment_keeps_its_name_and_is_no_role_to_ask_for() {
        let roles = Role::ALL.map(Assignment::Role);
        for assignment in roles.into_iter().chain([Assignment::Ensemble]) {
            assert_eq!(Assignment::from_name(assignment.as_str()), Some(assignment));
        }
        assert_eq!(Assignment::from_name("cook"), None);
        assert_eq!(Role::from_name(Assignment::Ensemble.as_str()), None);
    }

    #[test]
    fn a_model_name_is_the_duet_an_alias_of_it_or_somebody_else() {
        assert_eq!(RoleChoice::from_model("duet"), Ok(Some(RoleChoice::Auto)));
        assert_eq!(RoleChoice::from_model("duet/plan"), Ok(Some(RoleChoice::Role(Role::Plan))));
        assert_eq!(RoleChoice::from_model("duet/ensemble"), Ok(Some(RoleChoice::Ensemble)));
        assert_eq!(RoleChoice::from_model("duet/chat"), Err(UnknownAlias));
        assert_eq!(RoleChoice::from_model("duet/"), Err(UnknownAlias));
        for name in ["duets", "gpt-6-luna", "Duet", "duet-2"] {
            assert_eq!(RoleChoice::from_model(name), Ok(None), "{name}");
        }
    }
}
