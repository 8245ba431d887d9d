//! Whether an upstream is called at all: a circuit that opens when it fails too often.
//!
//! Time comes as an argument (that of [`Clock::monotonic`](crate::clock::Clock::monotonic)), and so
//! does randomness, so that everything here is pure.

use std::time::Duration;

/// Parts of the sliding window.
const SLOTS: usize = 10;

/// When a circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitConfig {
    /// The time that is looked back on.
    pub window: Duration,
    /// Calls within the window below which nothing is concluded.
    pub calls_min: u32,
    /// The share of failed calls that opens the circuit, in percent.
    pub failure_percent: u32,
    /// How long it stays open the first time; twice as long each further time.
    pub cool_down: Duration,
    /// The longest that it stays open.
    pub cool_down_max: Duration,
    /// How long it stays open the first time when the provider refuses the operator's credential
    /// or has no credit left.
    pub refused_cool_down: Duration,
}

impl Default for CircuitConfig {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            calls_min: 20,
            failure_percent: 50,
            cool_down: Duration::from_secs(5),
            cool_down_max: Duration::from_mins(2),
            refused_cool_down: Duration::from_mins(1),
        }
    }
}

/// Whether an upstream is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CircuitState {
    /// It is.
    Closed,
    /// It is not.
    Open,
    /// One call at a time finds out whether it works again.
    HalfOpen,
}

impl CircuitState {
    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What a call says about an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Works,
    /// It failed.
    Failed,
    /// It refuses the operator's credential, for certain.
    Refused,
    /// It refuses something that may be the operator's credential or this one request.
    Doubtful,
    /// Nothing: the call was given up, or is about a limit that says when it ends.
    Nothing,
}

/// Leave to make one call; given back by [`Circuit::report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// One of many.
    Usual,
    /// The call that finds out whether the upstream works again.
    Probe,
}

/// The circuit of one upstream.
#[derive(Debug)]
pub struct Circuit {
    config: CircuitConfig,
    window: Window,
    state: State,
    /// How often it opened without having been closed for a whole window in between.
    opened: u32,
    /// When it last worked.
    worked_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { since: Duration },
    Open { until: Duration },
    HalfOpen { probe: Probe },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    UnderWay,
    Awaited,
}

/// A moment, and any random number.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time.
    pub now: Duration,
    /// The number.
    pub chance: u64,
}

impl Circuit {
    /// A closed circuit.
    pub fn new(config: CircuitConfig) -> Self {
        let state = State::Closed { since: Duration::ZERO };
        Self { config, window: Window::default(), state, opened: 0, worked_at: None }
    }

    /// Leave to make one call now; `None` while the circuit is open, or half open with a call under
    /// way.
    pub fn enter(&mut self, now: Duration) -> Option<Leave> {
        match self.state {
            State::Closed { .. } => Some(Leave::Usual),
            State::Open { until } if now < until => None,
            State::HalfOpen { probe: Probe::UnderWay } => None,
            State::Open { .. } | State::HalfOpen { probe: Probe::Awaited } => {
                self.state = State::HalfOpen { probe: Probe::UnderWay };
                Some(Leave::Probe)
            }
        }
    }

    /// Takes note of what came of a call.
    pub fn report(&mut self, leave: Leave, verdict: Verdict, moment: Moment) {
        let now = moment.now;
        if leave == Leave::Probe && matches!(self.state, State::HalfOpen { .. }) {
            self.state = State::HalfOpen { probe: Probe::Awaited };
        }
        let verdict = match verdict {
            // A credential that has just worked is not refused; that was about the one request.
            Verdict::Doubtful if self.has_worked_lately(now) => Verdict::Nothing,
            Verdict::Doubtful => Verdict::Refused,
            sure => sure,
        };
        match verdict {
            Verdict::Nothing | Verdict::Doubtful => {}
            Verdict::Works => self.note_success(leave, now),
            Verdict::Refused => self.open(self.config.refused_cool_down, moment),
            Verdict::Failed => {
                self.window.add(now, self.config.window, Slot { worked: 0, failed: 1 });
                if leave == Leave::Probe || self.fails_too_often() {
                    self.open(self.config.cool_down, moment);
                }
            }
        }
    }

    fn note_success(&mut self, leave: Leave, now: Duration) {
        self.worked_at = Some(now);
        if leave == Leave::Probe {
            self.state = State::Closed { since: now };
            self.window = Window::default();
        }
        self.window.add(now, self.config.window, Slot { worked: 1, failed: 0 });
        if matches!(self.state, State::Closed { since } if now.saturating_sub(since) >= self.config.window) {
            self.opened = 0;
        }
    }

    fn has_worked_lately(&self, now: Duration) -> bool {
        self.worked_at.is_some_and(|at| now.saturating_sub(at) <= self.config.window)
    }

    fn fails_too_often(&self) -> bool {
        let Slot { worked, failed } = self.window.sum();
        let calls = worked.saturating_add(failed);
        calls >= self.config.calls_min.max(1)
            && u64::from(failed) * 100 >= u64::from(calls) * u64::from(self.config.failure_percent)
    }

    /// Opens for twice as long each time, give or take a quarter, so that many nodes do not come
    /// back at once. Calls that began before it opened do not make it longer.
    fn open(&mut self, first: Duration, Moment { now, chance }: Moment) {
        if matches!(self.state, State::Open { .. }) {
            return;
        }
        let doubled = first.saturating_mul(1 << self.opened.min(16));
        let longest = self.config.cool_down_max.max(first);
        let percent = u32::try_from(75 + chance % 51).unwrap_or(100);
        let pause = doubled.min(longest).saturating_mul(percent) / 100;
        self.opened = self.opened.saturating_add(1);
        self.state = State::Open { until: now.saturating_add(pause) };
        self.window = Window::default();
    }

    /// Whether it would be called now.
    pub fn state(&self, now: Duration) -> CircuitState {
        match self.state {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { until } if now < until => CircuitState::Open,
            State::Open { .. } | State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// How long until it may be called again.
    pub fn closed_for(&self, now: Duration) -> Duration {
        match self.state {
            State::Open { until } => until.saturating_sub(now),
            State::Closed { .. } | State::HalfOpen { .. } => Duration::ZERO,
        }
    }
}

/// Counts of the last while, in slots that are cleared as time goes on.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    slots: [Slot; SLOTS],
    /// The number of the latest slot since the beginning of time.
    latest: u128,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    worked: u32,
    failed: u32,
}

impl Slot {
    const fn plus(self, other: Self) -> Self {
        Self {
            worked: self.worked.saturating_add(other.worked),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}

impl Window {
    /// Adds to the slot of this moment; those that have passed since the latest one are cleared.
    fn add(&mut self, now: Duration, length: Duration, sample: Slot) {
        let slots = u128::try_from(SLOTS).unwrap_or(1);
        let number = now.as_nanos() / (length.as_nanos() / slots).max(1);
        let at = |number: u128| usize::try_from(number % slots).unwrap_or_default();
        for step in 0..number.saturating_sub(self.latest).min(slots) {
            if let Some(slot) = self.slots.get_mut(at(number.saturating_sub(step))) {
                *slot = Slot::default();
            }
        }
        self.latest = self.latest.max(number);
        if let Some(slot) = self.slots.get_mut(at(self.latest)) {
            *slot = slot.plus(sample);
        }
    }

    fn sum(&self) -> Slot {
        self.slots.iter().fold(Slot::default(), |sum, slot| sum.plus(*slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Moment {
        Moment { now: SECOND * u32::try_from(seconds).unwrap(), chance: 25 }
    }

    fn config() -> CircuitConfig {
        CircuitConfig { calls_min: 4, ..CircuitConfig::default() }
    }

    fn call(circuit: &mut Circuit, verdict: Verdict, moment: Moment) -> Option<Leave> {
        let leave = circuit.enter(moment.now);
        if let Some(leave) = leave {
            circuit.report(leave, verdict, moment);
        }
        leave
    }

    #[test]
    fn it_opens_at_the_ratio_and_not_before_there_is_something_to_go_by() {
        let mut circuit = Circuit::new(config());
        for _ in 0..3 {
            call(&mut circuit, Verdict::Failed, at(100));
        }
        assert_eq!(circuit.state(at(100).now), CircuitState::Closed);
        call(&mut circuit, Verdict::Failed, at(100));
        assert_eq!(circuit.state(at(100).now), CircuitState::Open);

        let mut circuit = Circuit::new(config());
        for _ in 0..10 {
            call(&mut circuit, Verdict::Works, at(100));
        }
        for _ in 0..9 {
            call(&mut circuit, Verdict::Failed, at(100));
        }
        assert_eq!(circuit.state(at(100).now), CircuitState::Closed, "9 of 19");
        call(&mut circuit, Verdict::Failed, at(100));
        assert_eq!(circuit.state(at(100).now), CircuitState::Open, "10 of 20");
    }

    #[test]
    fn failures_that_are_long_past_do_not_count() {
        let mut circuit = Circuit::new(config());
        for second in [100, 110, 120] {
            call(&mut circuit, Verdict::Failed, at(second));
        }
        call(&mut circuit, Verdict::Failed, at(135));
        assert_eq!(circuit.state(at(135).now), CircuitState::Closed, "two in the window");
        call(&mut circuit, Verdict::Failed, at(136));
        call(&mut circuit, Verdict::Failed, at(137));
        assert_eq!(circuit.state(at(137).now), CircuitState::Open, "four in the window");
    }

    #[test]
    fn after_the_pause_one_call_at_a_time_finds_out() {
        let mut circuit = Circuit::new(config());
        for _ in 0..4 {
            call(&mut circuit, Verdict::Failed, at(100));
        }
        assert_eq!(circuit.closed_for(at(100).now), SECOND * 5);
        assert_eq!(circuit.enter(at(104).now), None);
        assert_eq!(circuit.enter(at(105).now), Some(Leave::Probe));
        assert_eq!(circuit.state(at(105).now), CircuitState::HalfOpen);
        assert_eq!(circuit.enter(at(105).now), None, "one is under way");
        circuit.report(Leave::Probe, Verdict::Nothing, at(106));
        assert_eq!(call(&mut circuit, Verdict::Failed, at(106)), Some(Leave::Probe));
        assert_eq!(circuit.closed_for(at(106).now), SECOND * 10, "twice as long");
        assert_eq!(call(&mut circuit, Verdict::Works, at(116)), Some(Leave::Probe));
        assert_eq!(circuit.enter(at(116).now), Some(Leave::Usual));
        assert_eq!(circuit.state(at(116).now), CircuitState::Closed);
    }

    #[test]
    fn the_pause_is_jittered_bounded_and_forgotten() {
        let pause = |chance, times: u32| {
            let mut circuit = Circuit::new(config());
            let mut now = SECOND * 100;
            for _ in 0..times {
                circuit.open(config().cool_down, Moment { now, chance });
                now += circuit.closed_for(now);
                circuit.enter(now);
            }
            circuit.report(Leave::Probe, Verdict::Failed, Moment { now, chance });
            circuit.closed_for(now)
        };
        assert_eq!((pause(0, 0), pause(50, 0)), (Duration::from_millis(3_750), Duration::from_millis(6_250)));
        assert_eq!(pause(25, 40), Duration::from_mins(2));

        let mut circuit = Circuit::new(config());
        circuit.report(Leave::Usual, Verdict::Refused, at(100));
        assert_eq!(circuit.closed_for(at(100).now), SECOND * 60);
        call(&mut circuit, Verdict::Works, at(160));
        call(&mut circuit, Verdict::Works, at(190));
        circuit.report(Leave::Usual, Verdict::Refused, at(191));
        assert_eq!(circuit.closed_for(at(191).now), SECOND * 60, "it was good for a whole window");
    }

    #[test]
    fn a_refusal_counts_against_the_credential_unless_that_has_just_worked() {
        let mut circuit = Circuit::new(config());
        call(&mut circuit, Verdict::Works, at(100));
        call(&mut circuit, Verdict::Doubtful, at(120));
        assert_eq!(circuit.state(at(120).now), CircuitState::Closed);
        call(&mut circuit, Verdict::Doubtful, at(140));
        assert_eq!(circuit.state(at(140).now), CircuitState::Open);
    }

    #[test]
    fn calls_that_began_before_it_opened_do_not_make_it_longer() {
        let mut circuit = Circuit::new(config());
        let early = circuit.enter(at(100).now).unwrap();
        circuit.report(Leave::Usual, Verdict::Refused, at(100));
        circuit.report(early, Verdict::Refused, at(130));
        assert_eq!(circuit.closed_for(at(130).now), SECOND * 30);
        circuit.report(early, Verdict::Works, at(131));
        assert_eq!(circuit.state(at(131).now), CircuitState::Open);
    }
}
