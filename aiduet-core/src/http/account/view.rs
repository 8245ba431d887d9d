//! What answers look like. Each member is named here, so that a new field of a stored type stays
//! inside until somebody decides otherwise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::{Account, AccountState, Entered, Role};
use crate::auth::{ACCESS_TOKEN_LIFE, SecurityEvent, Session};
use crate::clock::Timestamp;
use crate::duet::DuetOverrides;
use crate::id::SessionId;
use crate::keys::{ApiKey, KeyLimits, KeyState, PlainApiKey, SpendLimits};
use crate::money::Money;
use crate::notify::NoticeChoices;

/// The kind of access token (RFC 6750).
const BEARER: &str = "Bearer";

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Page<T> {
    data: Vec<T>,
    /// `cursor` of the next page; `null` on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    pub(super) fn of(data: impl IntoIterator<Item = T>, next_cursor: Option<String>) -> Self {
        Self { data: data.into_iter().collect(), next_cursor }
    }
}

/// An account.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountView {
    id: String,
    #[schema(format = Email)]
    email: String,
    email_verified: bool,
    /// Whether the person signs in by password.
    has_password: bool,
    #[schema(required)]
    name: Option<String>,
    locale: LocaleView,
    notifications: NotificationsView,
    role: RoleView,
    state: StateView,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A language that the service speaks.
#[derive(Serialize, ToSchema)]
#[schema(as = Locale)]
enum LocaleView {
    #[serde(rename = "en")]
    En,
    #[serde(rename = "zh-CN")]
    ZhCn,
    #[serde(rename = "ja")]
    Ja,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Role)]
#[serde(rename_all = "snake_case")]
enum RoleView {
    User,
    Operator,
}

/// A frozen account can read and pay, and cannot spend. An account that is to be deleted can only be kept.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountState)]
#[serde(rename_all = "snake_case")]
enum StateView {
    Active,
    Frozen,
    Deleting,
    Closed,
}

/// Which of the mails that may be turned off are sent. Of a low balance and of spending one is told by
/// alerts (`/billing/alerts`); everything else is always sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Notifications)]
pub(super) struct NotificationsView {
    /// That a key ends: 14, 3 and 1 days before.
    key_expiry: bool,
    /// That somebody signed in on a device that was not seen before.
    new_sign_in: bool,
    /// That requests are refused for lack of funds: at most once in 24 hours.
    balance_empty: bool,
}

impl From<NoticeChoices> for NotificationsView {
    fn from(choices: NoticeChoices) -> Self {
        let NoticeChoices { key_expiry, new_sign_in, balance_empty } = choices;
        Self { key_expiry, new_sign_in, balance_empty }
    }
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        let Account {
            id,
            email,
            email_verified_at,
            password,
            name,
            locale,
            choices,
            role,
            state,
            created_at,
        } = account;
        Self {
            id: id.to_string(),
            email: email.expose().to_owned(),
            email_verified: email_verified_at.is_some(),
            has_password: password.is_some(),
            name: name.clone(),
            locale: match locale {
                crate::account::Locale::En => LocaleView::En,
                crate::account::Locale::ZhCn => LocaleView::ZhCn,
                crate::account::Locale::Ja => LocaleView::Ja,
            },
            notifications: NotificationsView::from(*choices),
            role: match role {
                Role::User => RoleView::User,
                Role::Operator => RoleView::Operator,
            },
            state: match state {
                AccountState::Active => StateView::Active,
                AccountState::Frozen { .. } => StateView::Frozen,
                AccountState::Deleting { .. } => StateView::Deleting,
                AccountState::Closed { .. } => StateView::Closed,
            },
            created_at: created_at.to_string(),
        }
    }
}

/// An access token.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessToken)]
pub(super) struct AccessView {
    access_token: String,
    token_type: &'static str,
    /// In seconds.
    expires_in: u64,
}

impl AccessView {
    pub(super) fn of(token: String) -> Self {
        Self { access_token: token, token_type: BEARER, expires_in: ACCESS_TOKEN_LIFE.as_secs() }
    }
}

/// An access token, and for whom.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(super) struct EnteredView {
    #[serde(flatten)]
    access: AccessView,
    account: AccountView,
}

impl From<&Entered> for EnteredView {
    fn from(entered: &Entered) -> Self {
        let access = AccessView::of(entered.access.expose().to_owned());
        Self { access, account: AccountView::from(&*entered.person.account) }
    }
}

/// A session: one browser that is signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionView {
    id: String,
    /// Whether it is the one that asks.
    current: bool,
    /// Browser and system, as far as they are known.
    device: String,
    /// The network it was last seen in: a prefix of the address.
    #[schema(required)]
    network: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_seen_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

impl SessionView {
    /// `own` is the session that asks.
    pub(super) fn of(session: &Session, own: SessionId) -> Self {
        Self {
            id: session.id.to_string(),
            current: session.id == own,
            device: session.device.to_string(),
            network: session.network.map(|network| network.to_string()),
            created_at: session.created_at.to_string(),
            last_seen_at: session.seen_at.to_string(),
            expires_at: session.idle_until.min(session.ends_at).to_string(),
        }
    }
}

/// Something that happened to the account.
#[derive(Serialize, ToSchema)]
#[schema(as = SecurityEvent)]
pub(super) struct SecurityEventView {
    id: String,
    /// What, for example `authn_login_success`.
    event: &'static str,
    /// Browser and system, as far as they are known.
    device: String,
    /// A prefix of the address it came from; forgotten after 30 days.
    #[schema(required)]
    network: Option<String>,
    #[schema(required)]
    request_id: Option<String>,
    /// For an event of an API key: which.
    #[schema(required)]
    key_id: Option<String>,
    /// For an event of an API key: in which session of its owner; `null`: in none, as when it was found in
    /// public.
    #[schema(required)]
    session_id: Option<String>,
    /// What of the API key was changed: `enabled`, `disabled`, `name`, `spend`, `rates`, `models`,
    /// `endpoints`, `networks`, `duet`.
    changed: Vec<&'static str>,
    #[schema(format = DateTime)]
    at: String,
}

impl From<&SecurityEvent> for SecurityEventView {
    fn from(event: &SecurityEvent) -> Self {
        let key = event.key.as_ref();
        let changed = key.map(|key| key.changed.iter().map(|aspect| aspect.as_str()).collect());
        Self {
            id: event.id.to_string(),
            event: event.kind.as_str(),
            device: event.device.to_string(),
            network: event.network.map(|network| network.to_string()),
            request_id: event.request.map(|id| id.to_string()),
            key_id: key.map(|key| key.id.to_string()),
            session_id: key.and_then(|key| key.session).map(|id| id.to_string()),
            changed: changed.unwrap_or_default(),
            at: event.at.to_string(),
        }
    }
}

/// An API key, without its text.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(super) struct KeyView {
    id: String,
    name: String,
    /// The first 12 characters.
    prefix: String,
    /// The last 4 characters.
    last4: String,
    state: KeyStateView,
    /// When it stops: at its end, or at the end of the overlap after a rotation.
    #[schema(required, format = DateTime)]
    works_until: Option<String>,
    limits: LimitsView,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = KeyState)]
#[serde(rename_all = "snake_case")]
enum KeyStateView {
    Active,
    Disabled,
    Rotated,
    Revoked,
}

/// What a key may do.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyLimits)]
struct LimitsView {
    spend: SpendView,
    #[schema(required)]
    requests_per_minute: Option<u32>,
    #[schema(required)]
    tokens_per_minute: Option<u64>,
    /// Requests at a time.
    #[schema(required)]
    concurrency: Option<u32>,
    /// Empty: all.
    models: Vec<String>,
    /// Empty: all.
    endpoints: Vec<&'static str>,
    /// Prefixes of addresses it may come from (CIDR). Empty: all.
    networks: Vec<String>,
    #[schema(value_type = DuetSchema)]
    duet: DuetOverrides,
}

/// The most that may be spent, in USD and in nano-USD; `null`: no limit. Periods begin at midnight
/// UTC, weeks on Monday.
#[derive(Serialize, ToSchema)]
#[schema(as = SpendLimits)]
struct SpendView {
    #[schema(required)]
    day: Option<String>,
    #[schema(required)]
    day_nano: Option<i64>,
    #[schema(required)]
    week: Option<String>,
    #[schema(required)]
    week_nano: Option<i64>,
    #[schema(required)]
    month: Option<String>,
    #[schema(required)]
    month_nano: Option<i64>,
    #[schema(required)]
    total: Option<String>,
    #[schema(required)]
    total_nano: Option<i64>,
}

/// How the duet chooses for this key; what is left out is as the operator says.
#[derive(Deserialize, ToSchema)]
#[schema(as = DuetOverrides)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a type of the domain, which knows nothing of documents")]
pub(super) struct DuetSchema {
    enabled: Option<bool>,
    pin_role: Option<DuetRole>,
    /// The models of a role, best first.
    #[schema(nullable = false)]
    models: Option<BTreeMap<String, Vec<String>>>,
    /// The vendors whose models may be chosen.
    #[schema(nullable = false)]
    families: Option<Vec<VendorName>>,
    /// In nano-USD.
    #[schema(minimum = 0)]
    max_switch_cost: Option<i64>,
    prefer: Option<DuetPreference>,
    ensemble: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DuetRole {
    Code,
    Review,
    Plan,
    Chat,
    Background,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DuetPreference {
    Quality,
    Balanced,
    Cost,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum VendorName {
    Anthropic,
    OpenAi,
}

impl From<&ApiKey> for KeyView {
    fn from(key: &ApiKey) -> Self {
        let ApiKey {
            id,
            account: _,
            hash: _,
            prefix,
            last4,
            name,
            state,
            limits,
            created_at,
            expires_at,
            last_used_at,
        } = key;
        let (state, ends_at) = match state {
            KeyState::Active => (KeyStateView::Active, None),
            KeyState::Disabled { .. } => (KeyStateView::Disabled, None),
            KeyState::Rotated { until } => (KeyStateView::Rotated, Some(*until)),
            KeyState::Revoked { at } => (KeyStateView::Revoked, Some(*at)),
        };
        let text = |at: &Timestamp| at.to_string();
        Self {
            id: id.to_string(),
            name: name.clone(),
            prefix: prefix.to_string(),
            last4: last4.to_string(),
            state,
            works_until: ends_at.as_ref().or(expires_at.as_ref()).map(text),
            limits: LimitsView::from(limits),
            created_at: created_at.to_string(),
            expires_at: expires_at.as_ref().map(text),
            last_used_at: last_used_at.as_ref().map(text),
        }
    }
}

impl From<&KeyLimits> for LimitsView {
    fn from(limits: &KeyLimits) -> Self {
        let KeyLimits {
            spend,
            requests_per_minute,
            tokens_per_minute,
            concurrency,
            models,
            endpoints,
            networks,
            duet,
        } = limits;
        Self {
            spend: SpendView::from(spend),
            requests_per_minute: *requests_per_minute,
            tokens_per_minute: *tokens_per_minute,
            concurrency: *concurrency,
            models: models.iter().map(ToString::to_string).collect(),
            endpoints: endpoints.iter().map(|endpoint| endpoint.as_str()).collect(),
            networks: networks.iter().map(ToString::to_string).collect(),
            duet: duet.clone(),
        }
    }
}

impl From<&SpendLimits> for SpendView {
    fn from(SpendLimits { day, week, month, total }: &SpendLimits) -> Self {
        let text = |amount: &Option<Money>| amount.map(|amount| amount.to_string());
        let nano = |amount: &Option<Money>| amount.map(Money::nanos);
        Self {
            day: text(day),
            day_nano: nano(day),
            week: text(week),
            week_nano: nano(week),
            month: text(month),
            month_nano: nano(month),
            total: text(total),
            total_nano: nano(total),
        }
    }
}

/// A new API key.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedKey)]
pub(super) struct IssuedKeyView {
    #[serde(flatten)]
    key: KeyView,
    /// The key itself, which is shown only here. `null` when the same request comes again.
    #[schema(required)]
    #[serde(rename = "key")]
    plain: Option<String>,
}

impl IssuedKeyView {
    pub(super) fn of(key: &ApiKey, plain: Option<&PlainApiKey>) -> Self {
        Self { key: KeyView::from(key), plain: plain.map(|plain| plain.expose().to_owned()) }
    }
}
