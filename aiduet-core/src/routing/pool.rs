//! The upstreams of all vendors, and which of them is called next.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::circuit::{Circuit, CircuitConfig, CircuitState, Leave, Moment, Verdict};
use super::upstream::Upstream;
use crate::provider::Vendor;

/// Most upstreams of one vendor; further ones are not called.
pub const UPSTREAMS_MAX: usize = 64;

/// An upstream and its circuit.
pub struct Member {
    upstream: Upstream,
    circuit: Mutex<Circuit>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}

impl Member {
    fn new(upstream: Upstream, config: CircuitConfig) -> Self {
        Self { upstream, circuit: Mutex::new(Circuit::new(config)) }
    }

    /// The upstream.
    pub const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Leave to make one call, if it may be called now.
    pub fn enter(&self, now: Duration) -> Option<Leave> {
        self.with(|circuit| circuit.enter(now))
    }

    /// Takes note of what came of a call; returns the state if that has changed.
    pub fn report(&self, leave: Leave, verdict: Verdict, moment: Moment) -> Option<CircuitState> {
        self.with(|circuit| {
            let before = circuit.state(moment.now);
            circuit.report(leave, verdict, moment);
            let after = circuit.state(moment.now);
            (before != after).then_some(after)
        })
    }

    /// Whether it would be called now.
    pub fn state(&self, now: Duration) -> CircuitState {
        self.with(|circuit| circuit.state(now))
    }

    fn closed_for(&self, now: Duration) -> Duration {
        self.with(|circuit| circuit.closed_for(now))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Circuit) -> T) -> T {
        act(&mut self.circuit.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Places of a pool that are out of the question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried(u64);

impl Tried {
    const fn has(self, place: usize) -> bool {
        self.0 & (1 << (place % UPSTREAMS_MAX)) != 0
    }

    /// How many they are.
    pub fn count(self) -> usize {
        usize::try_from(self.0.count_ones()).unwrap_or(UPSTREAMS_MAX)
    }

    const fn add(&mut self, place: usize) {
        self.0 |= 1 << (place % UPSTREAMS_MAX);
    }
}

/// What ties calls to one upstream: those with the same number go to the same one while it can be
/// called, since providers cache prompts, and encrypt reasoning, per organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Affinity(u64);

impl Affinity {
    /// The affinity of whatever identifies a conversation.
    pub fn of(conversation: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        conversation.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Another number for each draw.
    const fn draw(self, round: u64) -> u64 {
        let mut mixed = self.0.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 31)
    }
}

/// The upstreams of all vendors.
#[derive(Debug)]
pub struct Pool {
    anthropic: Vec<Arc<Member>>,
    openai: Vec<Arc<Member>>,
}

impl Pool {
    /// Upstreams in the order of their priority; all circuits are closed.
    pub fn new(upstreams: &[Upstream], config: CircuitConfig) -> Self {
        let of = |vendor: Vendor| {
            let mut own: Vec<&Upstream> = upstreams.iter().filter(|it| it.vendor == vendor).collect();
            own.sort_by_key(|upstream| upstream.priority);
            own.truncate(UPSTREAMS_MAX);
            own.into_iter().map(|upstream| Arc::new(Member::new(upstream.clone(), config))).collect()
        };
        Self { anthropic: of(Vendor::Anthropic), openai: of(Vendor::OpenAi) }
    }

    /// The upstreams of a vendor.
    pub fn of(&self, vendor: Vendor) -> &[Arc<Member>] {
        match vendor {
            Vendor::Anthropic => &self.anthropic,
            Vendor::OpenAi => &self.openai,
        }
    }

    /// The next upstream to call and leave to call it, noted as tried. Of the best priority by
    /// weight and affinity; `None` if there is none that was not tried and can be called.
    pub fn pick(
        &self,
        vendor: Vendor,
        affinity: Affinity,
        (tried, now): (&mut Tried, Duration),
    ) -> Option<(Arc<Member>, Leave)> {
        let members = self.of(vendor);
        // Those that cannot be called are passed over here and stay untried.
        let mut passed = *tried;
        for round in 0.. {
            let place = draw(members, passed, affinity.draw(round))?;
            passed.add(place);
            let member = members.get(place)?;
            if let Some(leave) = member.enter(now) {
                tried.add(place);
                return Some((Arc::clone(member), leave));
            }
        }
        None
    }

    /// How long until one of a vendor's upstreams may be called again.
    pub fn closed_for(&self, vendor: Vendor, now: Duration) -> Duration {
        self.of(vendor).iter().map(|member| member.closed_for(now)).min().unwrap_or_default()
    }

    /// How a vendor is doing.
    pub fn health(&self, vendor: Vendor, now: Duration) -> ProviderHealth {
        let states = || self.of(vendor).iter().filter(|it| it.upstream.weight > 0).map(|it| it.state(now));
        if states().all(|state| state == CircuitState::Closed) {
            ProviderHealth::Up
        } else if states().any(|state| state != CircuitState::Open) {
            ProviderHealth::Degraded
        } else {
            ProviderHealth::Down
        }
    }
}

/// How a provider is doing, as seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderHealth {
    /// Every upstream is called.
    Up,
    /// Some are not, or are being tried again.
    Degraded,
    /// None is called.
    Down,
}

/// A place of the best priority that is left, each as likely as its weight.
fn draw(members: &[Arc<Member>], passed: Tried, chance: u64) -> Option<usize> {
    let left = || {
        let places = members.iter().enumerate().map(|(place, member)| (place, &member.upstream));
        places.filter(|(place, upstream)| !passed.has(*place) && upstream.weight > 0)
    };
    let (first, best) = left().next()?;
    let tier = || left().filter(|(_place, upstream)| upstream.priority == best.priority);
    let total: u64 = tier().map(|(_place, upstream)| u64::from(upstream.weight)).sum();
    let mut point = chance.checked_rem(total)?;
    for (place, upstream) in tier() {
        match point.checked_sub(u64::from(upstream.weight)) {
            Some(rest) => point = rest,
            None => return Some(place),
        }
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::ledger::UpstreamName;
    use crate::provider::{Provider, ProviderError, UpstreamCall, UpstreamReply};

    const NOW: Duration = Duration::from_secs(100);

    #[derive(Debug)]
    struct Nobody;

    #[async_trait]
    impl Provider for Nobody {
        async fn send(&self, _call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
            Err(ProviderError::Connect)
        }
    }

    /// Upstreams by weight and priority, named by their place in the list.
    fn pool(terms: &[(u32, u8)]) -> Pool {
        let upstream = |(place, (weight, priority)): (usize, &(u32, u8))| Upstream {
            weight: *weight,
            priority: *priority,
            ..Upstream::new(
                UpstreamName::parse(&place.to_string()).unwrap(),
                Vendor::OpenAi,
                Arc::new(Nobody),
            )
        };
        let upstreams: Vec<_> = terms.iter().enumerate().map(upstream).collect();
        Pool::new(&upstreams, CircuitConfig::default())
    }

    fn pick(pool: &Pool, affinity: u64, tried: &mut Tried) -> Option<String> {
        let (member, leave) = pool.pick(Vendor::OpenAi, Affinity(affinity), (tried, NOW))?;
        member.report(leave, Verdict::Nothing, Moment { now: NOW, chance: 0 });
        Some(member.upstream().name.as_str().to_owned())
    }

    fn open(pool: &Pool, name: &str) {
        for member in pool.of(Vendor::OpenAi) {
            if member.upstream().name.as_str() == name {
                member.report(Leave::Usual, Verdict::Refused, Moment { now: NOW, chance: 25 });
            }
        }
    }

    #[test]
    fn weights_share_and_an_affinity_stays() {
        let pool = pool(&[(1, 0), (3, 0), (0, 0)]);
        let mut counts = [0, 0, 0];
        for affinity in 0..1_000_u64 {
            let affinity = affinity.wrapping_mul(0x1234_5678_9abc_def1);
            let name = pick(&pool, affinity, &mut Tried::default()).unwrap();
            assert_eq!(Some(&name), pick(&pool, affinity, &mut Tried::default()).as_ref());
            counts[name.parse::<usize>().unwrap()] += 1;
        }
        assert!((200..300).contains(&counts[0]) && counts[2] == 0, "{counts:?}");
    }

    #[test]
    fn each_is_tried_once_and_the_best_priority_first() {
        let pool = pool(&[(1, 5), (1, 0), (0, 0), (1, 5), (7, 0)]);
        for affinity in 0..50 {
            let mut tried = Tried::default();
            let order: Vec<_> = std::iter::from_fn(|| pick(&pool, affinity, &mut tried)).collect();
            let (mut first, mut second) = (order[..2].to_vec(), order[2..].to_vec());
            first.sort();
            second.sort();
            assert_eq!((first, second), (vec!["1".into(), "4".into()], vec!["0".into(), "3".into()]));
        }
    }

    #[test]
    fn what_is_open_is_passed_over_and_others_keep_theirs() {
        let pool = pool(&[(1, 0), (1, 0), (1, 1)]);
        let before: Vec<_> = (0..50).map(|it| pick(&pool, it, &mut Tried::default()).unwrap()).collect();
        open(&pool, "0");
        let after: Vec<_> = (0..50).map(|it| pick(&pool, it, &mut Tried::default()).unwrap()).collect();
        assert!(before.contains(&"0".to_owned()) && after.iter().all(|name| name == "1"));
        assert!(before.iter().zip(&after).all(|(before, after)| before == after || before == "0"));
        assert_eq!(pool.health(Vendor::OpenAi, NOW), ProviderHealth::Degraded);
        open(&pool, "1");
        assert_eq!(pick(&pool, 0, &mut Tried::default()).unwrap(), "2");
        open(&pool, "2");
        assert_eq!(pick(&pool, 0, &mut Tried::default()), None);
        assert_eq!(pool.health(Vendor::OpenAi, NOW), ProviderHealth::Down);
        assert_eq!(pool.closed_for(Vendor::OpenAi, NOW), Duration::from_mins(1));
    }

    #[test]
    fn a_vendor_without_upstreams_has_none_to_pick() {
        let pool = pool(&[]);
        assert_eq!(pick(&pool, 0, &mut Tried::default()), None);
    }
}
