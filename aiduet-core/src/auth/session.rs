//! A sign-in on a device.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;

use super::{AuthStoreError, TokenDigest};
use crate::clock::Timestamp;
use crate::id::{AccountId, SessionId};

/// How long a refresh token that was used may be used once more, since the answer to its first
/// use may have been lost.
pub const REUSE_GRACE: Duration = Duration::from_secs(30);

/// So many sessions of an account exist at most; a new one takes the place of the longest idle.
pub const SESSIONS_MAX: u32 = 20;

/// Times that a session was seen are kept in steps of this many milliseconds.
const SEEN_STEP_MS: i64 = 5 * 60 * 1_000;

/// Where sessions are kept.
///
/// # Contract
/// - Each method is one atomic operation.
/// - [`find`](Self::find) and [`list`](Self::list) return sessions that are over as well, until
///   they are purged: judging is the caller's work ([`Session::is_alive`]).
/// - [`rotate`](Self::rotate) does what [`Session::rotate`] says, in one step: of two callers with
///   the same token one is first.
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Begins a session. When the account has more than [`SESSIONS_MAX`] then, those that were
    /// seen least recently end.
    ///
    /// # Errors
    /// [`AuthStoreError::AlreadyExists`] when the identifier is taken.
    async fn open(&self, session: Session) -> Result<(), AuthStoreError>;

    /// The session with this identifier.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn find(&self, id: SessionId) -> Result<Option<Session>, AuthStoreError>;

    /// Exchanges a refresh token for its successor, or ends the session of a token that was used
    /// before.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, AuthStoreError>;

    /// Notes that its owner gave the password again; `false` when there is no such session.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn confirm(&self, id: SessionId, at: Timestamp) -> Result<bool, AuthStoreError>;

    /// The sessions of an account, those seen last first.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn list(&self, account: AccountId) -> Result<Vec<Session>, AuthStoreError>;

    /// Ends sessions of an account; says how many there were.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn end(&self, request: EndSessions) -> Result<u64, AuthStoreError>;

    /// Deletes at most `limit` sessions that were over before a moment; says how many.
    ///
    /// # Errors
    /// [`AuthStoreError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError>;
}

/// Which sessions [`SessionStore::end`] ends.
#[derive(Clone, Copy, Debug)]
pub struct EndSessions {
    /// Whose.
    pub account: AccountId,
    /// Which of them.
    pub which: Which,
}

/// Some or all sessions of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// All but this one.
    Others(SessionId),
    /// All.
    All,
}

/// A sign-in on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// On which kind of device.
    pub device: Device,
    /// From which network it was opened or last refreshed.
    pub network: Option<Network>,
    /// How long it lasts.
    pub life: SessionLife,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last refreshed, in steps of five minutes.
    pub seen_at: Timestamp,
    /// When its owner last gave the password.
    pub authenticated_at: Timestamp,
    /// When it ends unless it is refreshed before.
    pub idle_until: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// Its refresh tokens.
    pub lineage: Lineage,
}

/// What a session begins with.
#[derive(Clone, Copy, Debug)]
pub struct NewSession {
    /// Its identifier.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// How long it lasts.
    pub life: SessionLife,
    /// Its first refresh token.
    pub token: TokenDigest,
}

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionLife {
    /// 7 days without use, 30 days at most: the person wants to stay signed in.
    Long,
    /// 12 hours without use, 24 hours at most.
    Short,
}

impl SessionLife {
    /// Every life.
    pub const ALL: [Self; 2] = [Self::Long, Self::Short];

    /// The code in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
        }
    }

    /// The life with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|life| life.as_str() == code)
    }

    /// How long it lasts without use.
    pub const fn idle(self) -> Duration {
        match self {
            Self::Long => Duration::from_hours(7 * 24),
            Self::Short => Duration::from_hours(12),
        }
    }

    /// How long it lasts at most.
    pub const fn absolute(self) -> Duration {
        match self {
            Self::Long => Duration::from_hours(30 * 24),
            Self::Short => Duration::from_hours(24),
        }
    }
}

/// The refresh tokens of a session: the one that is valid, and what may still be said of the one
/// before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The token that is valid.
    pub current: TokenDigest,
    /// The one before.
    pub previous: Option<TokenDigest>,
    /// When the valid one was made.
    pub rotated_at: Timestamp,
    /// Whether the valid one was made for a client that had lost an answer: that happens once in a row.
    pub recovered: bool,
}

/// A refresh token that is presented, and its successor.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The session that the token names.
    pub session: SessionId,
    /// The token.
    pub presented: TokenDigest,
    /// What becomes valid in its place.
    pub next: TokenDigest,
    /// From which network.
    pub network: Option<Network>,
    /// When.
    pub at: Timestamp,
}

/// What became of a refresh token that was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// Its successor is valid now; the session as it is now.
    Renewed(Session),
    /// It was used before, by somebody else then or now: the session has ended.
    Reused(Session),
    /// There is no such session, or it is over.
    Unknown,
}

/// What a refresh token does to its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionStep {
    /// The session goes on like this.
    Renewed(Box<Session>),
    /// The token was used before: the session has to end.
    Reused,
    /// The session is over.
    Over,
}

impl Session {
    /// A session that begins now, on a device that has said nothing of itself.
    pub fn begin(new: NewSession, at: Timestamp) -> Self {
        let NewSession { id, account, life, token } = new;
        Self {
            id,
            account,
            device: Device::UNKNOWN,
            network: None,
            life,
            created_at: at,
            seen_at: seen(at),
            authenticated_at: at,
            idle_until: at.plus(life.idle()),
            ends_at: at.plus(life.absolute()),
            lineage: Lineage { current: token, previous: None, rotated_at: at, recovered: false },
        }
    }

    /// Whether it can be used at this moment.
    pub fn is_alive(&self, at: Timestamp) -> bool {
        at < self.idle_until && at < self.ends_at
    }

    /// What a refresh token does to it.
    ///
    /// A token that was just exchanged is taken once more within [`REUSE_GRACE`] if its successor
    /// was never used, since the answer may have been lost; the successor is worth nothing then.
    /// Any other token but the valid one was used before, or is forged.
    ///
    /// # Source
    /// RFC 9700, section 4.14.2.
    pub fn rotate(&self, rotation: &Rotation) -> SessionStep {
        let Rotation { session: _, presented, next, network, at } = *rotation;
        if !self.is_alive(at) {
            return SessionStep::Over;
        }
        let Lineage { current, previous, rotated_at, recovered } = self.lineage;
        let is_current = presented == current;
        let was_lost = previous == Some(presented) && !recovered && at.since(rotated_at) <= REUSE_GRACE;
        if !is_current && !was_lost {
            return SessionStep::Reused;
        }
        SessionStep::Renewed(Box::new(Self {
            network: network.or(self.network),
            seen_at: seen(at),
            idle_until: at.plus(self.life.idle()).min(self.ends_at),
            lineage: Lineage {
                current: next,
                previous: Some(presented),
                rotated_at: at,
                recovered: was_lost,
            },
            ..self.clone()
        }))
    }
}

fn seen(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.millis().div_euclid(SEEN_STEP_MS).saturating_mul(SEEN_STEP_MS))
}

/// A network wide enough to name no household: the first 24 bits of an IPv4 address, the first 48
/// of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Option<Self> {
        let mapped = match address {
            IpAddr::V6(address) => Ipv6Addr::to_ipv4_mapped(&address).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        let address = mapped.unwrap_or(address);
        let bits = if address.is_ipv4() { 24 } else { 48 };
        IpNet::new(address, bits).ok().map(|network| Self(network.trunc()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Network {
    type Err = ipnet::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<IpNet>().map(|network| Self(network.trunc()))
    }
}

/// The family of a browser or program and of its system, from a list of ours: never the text that
/// was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    program: &'static str,
    system: &'static str,
}

/// What a user agent contains, and what that means; the first that fits, since browsers name each
/// other.
const PROGRAMS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];
const OTHER: &str = "other";

impl Device {
    /// A device that says nothing of itself.
    pub const UNKNOWN: Self = Self { program: OTHER, system: OTHER };

    /// The family that a `User-Agent` names.
    pub fn of(user_agent: &str) -> Self {
        let first = |list: &[(&str, &'static str)]| {
            let found = list.iter().find(|(mark, _name)| user_agent.contains(mark));
            found.map_or(OTHER, |(_mark, name)| *name)
        };
        Self { program: first(&PROGRAMS), system: first(&SYSTEMS) }
    }

    /// The device with this text, as [`Display`](fmt::Display) writes it.
    pub fn from_text(text: &str) -> Self {
        let (program, system) = text.split_once(", ").unwrap_or_default();
        let known = |list: &[(&str, &'static str)], name: &str| {
            list.iter().find(|(_mark, known)| *known == name).map_or(OTHER, |(_mark, known)| *known)
        };
        Self { program: known(&PROGRAMS, program), system: known(&SYSTEMS, system) }
    }
}

/// Such as `Firefox, Linux`.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.program, self.system)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_a_family_and_never_the_text_that_was_sent() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0";
        for (sent, shown) in
            [(firefox, "Firefox, Linux"), (edge, "Edge, Windows"), ("someone@example.com", "other, other")]
        {
            let device = Device::of(sent);
            assert_eq!(device.to_string(), shown);
            assert_eq!(Device::from_text(shown), device);
        }
        assert_eq!(Device::from_text("<script>, Linux").to_string(), "other, Linux");
    }

    #[test]
    fn a_network_names_no_household() {
        for (address, network) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            let found = Network::of(address.parse().unwrap()).unwrap();
            assert_eq!(found.to_string(), network);
            assert_eq!(network.parse::<Network>().unwrap(), found);
        }
    }
}
