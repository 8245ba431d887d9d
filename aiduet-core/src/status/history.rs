//! Days and disturbances, from what was seen.

use std::collections::{BTreeSet, HashMap};

use super::{HOUR_MS, SLOT_MS, STATUS_DAYS, Slots, StatusHour, StatusSubject};
use crate::clock::Timestamp;
use crate::routing::ProviderHealth;

const SLOTS_PER_DAY: i64 = 24 * HOUR_MS / SLOT_MS;
const MINUTES_PER_SLOT: u32 = 5;
/// A day is one on which something was down when it was down for so many minutes.
const DOWN_MINUTES: u32 = 15;
/// What is no further apart than this, in slots, is one disturbance.
const GAP_MAX: i64 = 2;
/// Disturbances that are told.
const INCIDENTS_MAX: usize = 10;
const WHOLE_BP: u32 = 10_000;

/// How everything was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusHistory {
    /// The gateway, then the providers that were seen.
    pub subjects: Vec<SubjectHistory>,
    /// The last disturbances, the latest first.
    pub incidents: Vec<Incident>,
}

/// How a subject was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectHistory {
    /// Who.
    pub subject: StatusSubject,
    /// The last 90 days (UTC), today last.
    pub days: Vec<StatusDay>,
}

/// How a subject was on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusDay {
    /// The beginning of the day (UTC).
    pub day: Timestamp,
    /// How it was on the whole; `None`: nobody looked.
    pub health: Option<ProviderHealth>,
    /// Of the time that it was looked at, how much it was not down: parts of 10,000.
    pub available_bp: u32,
    /// For how long a part did not work, in minutes.
    pub degraded_minutes: u32,
    /// For how long nothing worked, in minutes.
    pub down_minutes: u32,
}

/// A disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Of whom.
    pub subject: StatusSubject,
    /// The worst of it.
    pub health: ProviderHealth,
    /// When it was first seen, to five minutes.
    pub began_at: Timestamp,
    /// When it was no longer seen; `None`: it is still there.
    pub ended_at: Option<Timestamp>,
}

impl StatusHistory {
    /// What follows from what was seen until now.
    ///
    /// The gateway was down where nobody saw it, from when it was first seen until the last five minutes
    /// that are over. What a provider was then is not known.
    pub fn of(hours: &[StatusHour], now: Timestamp) -> Self {
        let seen = Seen::of(hours, now);
        let subjects: BTreeSet<StatusSubject> = hours.iter().map(|hour| hour.subject).collect();
        let mut history = Self::default();
        for subject in subjects {
            history.subjects.push(SubjectHistory { subject, days: seen.days(subject) });
            history.incidents.extend(seen.incidents(subject));
        }
        history.incidents.sort_by_key(|incident| std::cmp::Reverse((incident.began_at, incident.subject)));
        history.incidents.truncate(INCIDENTS_MAX);
        history
    }
}

/// What was seen, by slot: the number of its five minutes since 1970.
struct Seen {
    hours: HashMap<(StatusSubject, i64), StatusHour>,
    /// The slot of now.
    present: i64,
    /// The first one that the gateway was seen in.
    first: i64,
}

impl Seen {
    fn of(hours: &[StatusHour], now: Timestamp) -> Self {
        let number = |hour: &StatusHour| hour.hour.millis().div_euclid(HOUR_MS);
        let present = now.millis().div_euclid(SLOT_MS);
        let own = hours.iter().filter(|hour| hour.subject == StatusSubject::Gateway);
        let first = own.filter(|hour| hour.seen != Slots::default()).map(|hour| {
            let slots = i64::from(hour.seen.bits().trailing_zeros());
            hour.hour.millis().div_euclid(SLOT_MS).saturating_add(slots)
        });
        Self {
            first: first.min().unwrap_or(present),
            hours: hours.iter().map(|hour| ((hour.subject, number(hour)), *hour)).collect(),
            present,
        }
    }

    /// How a subject was in a slot, as far as it is known.
    fn health(&self, subject: StatusSubject, slot: i64) -> Option<ProviderHealth> {
        let at = Timestamp::from_millis(slot.saturating_mul(SLOT_MS));
        let bit = Slots::of(at);
        let hour = self.hours.get(&(subject, at.millis().div_euclid(HOUR_MS)));
        match hour.filter(|hour| hour.seen.meets(bit)) {
            Some(hour) if hour.down.meets(bit) => Some(ProviderHealth::Down),
            Some(hour) if hour.degraded.meets(bit) => Some(ProviderHealth::Degraded),
            Some(_) => Some(ProviderHealth::Up),
            None if subject == StatusSubject::Gateway && self.first < slot && slot < self.present => {
                Some(ProviderHealth::Down)
            }
            None => None,
        }
    }

    fn first_day(&self) -> i64 {
        self.present.div_euclid(SLOTS_PER_DAY).saturating_sub(i64::from(STATUS_DAYS)).saturating_add(1)
    }

    fn days(&self, subject: StatusSubject) -> Vec<StatusDay> {
        (0..i64::from(STATUS_DAYS))
            .map(|offset| self.day(subject, self.first_day().saturating_add(offset)))
            .collect()
    }

    fn day(&self, subject: StatusSubject, day: i64) -> StatusDay {
        let begin = day.saturating_mul(SLOTS_PER_DAY);
        let (mut seen, mut degraded, mut down) = (0_u32, 0_u32, 0_u32);
        for health in
            (begin..begin.saturating_add(SLOTS_PER_DAY)).filter_map(|slot| self.health(subject, slot))
        {
            seen = seen.saturating_add(1);
            match health {
                ProviderHealth::Up => {}
                ProviderHealth::Degraded => degraded = degraded.saturating_add(1),
                ProviderHealth::Down => down = down.saturating_add(1),
            }
        }
        let minutes = |slots: u32| slots.saturating_mul(MINUTES_PER_SLOT);
        let health = match (minutes(degraded), minutes(down)) {
            _ if seen == 0 => None,
            (0, 0) => Some(ProviderHealth::Up),
            (_, DOWN_MINUTES..) => Some(ProviderHealth::Down),
            _ => Some(ProviderHealth::Degraded),
        };
        let available = seen.saturating_sub(down).saturating_mul(WHOLE_BP).checked_div(seen);
        StatusDay {
            day: Timestamp::from_millis(begin.saturating_mul(SLOT_MS)),
            health,
            available_bp: available.unwrap_or(WHOLE_BP),
            degraded_minutes: minutes(degraded),
            down_minutes: minutes(down),
        }
    }

    /// The disturbances of a subject, the earliest first.
    fn incidents(&self, subject: StatusSubject) -> Vec<Incident> {
        let mut found: Vec<(i64, i64, ProviderHealth)> = Vec::new();
        for slot in self.first_day().saturating_mul(SLOTS_PER_DAY)..=self.present {
            let Some(health) = self.health(subject, slot).filter(|health| *health != ProviderHealth::Up)
            else {
                continue;
            };
            match found.last_mut() {
                Some((_first, last, worst)) if slot.saturating_sub(*last) <= GAP_MAX => {
                    (*last, *worst) = (slot, health.max(*worst));
                }
                _ => found.push((slot, slot, health)),
            }
        }
        let at = |slot: i64| Timestamp::from_millis(slot.saturating_mul(SLOT_MS));
        let incident = |(first, last, health): (i64, i64, ProviderHealth)| {
            // Who reads this is the gateway, and here again.
            let is_over = subject == StatusSubject::Gateway || last.saturating_add(1) < self.present;
            let ended_at = is_over.then(|| at(last.saturating_add(1)));
            Incident { subject, health, began_at: at(first), ended_at }
        };
        found.into_iter().map(incident).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Vendor;

    const OPENAI: StatusSubject = StatusSubject::Provider(Vendor::OpenAi);
    const DAY_MS: i64 = 24 * HOUR_MS;
    /// Midnight of a day.
    const TODAY: i64 = 20_000 * DAY_MS;

    fn hour(subject: StatusSubject, number: i64, (seen, degraded, down): (u16, u16, u16)) -> StatusHour {
        let hour = Timestamp::from_millis(TODAY + number * HOUR_MS);
        let [seen, degraded, down] = [seen, degraded, down].map(Slots::from_bits);
        StatusHour { subject, hour, seen, degraded, down }
    }

    fn minute(minutes: i64) -> Timestamp {
        Timestamp::from_millis(TODAY + minutes * 60_000)
    }

    fn today(history: &StatusHistory, subject: StatusSubject) -> StatusDay {
        let found = history.subjects.iter().find(|found| found.subject == subject).unwrap();
        assert_eq!(found.days.len(), 90);
        *found.days.last().unwrap()
    }

    #[test]
    fn a_gateway_that_nobody_saw_was_down_and_of_providers_nothing_is_known() {
        // From 00:10 on; nobody looked between 00:30 and 01:00; now it is 01:12.
        let hours = [
            hour(StatusSubject::Gateway, 0, (0b0000_0011_1100, 0, 0)),
            hour(StatusSubject::Gateway, 1, (0b111, 0, 0)),
            hour(OPENAI, 0, (0b0000_0011_1100, 0b0001_0000, 0b0010_0000)),
            hour(OPENAI, 1, (0b111, 0, 0)),
        ];
        let history = StatusHistory::of(&hours, minute(72));
        let gateway = today(&history, StatusSubject::Gateway);
        assert_eq!((gateway.health, gateway.down_minutes), (Some(ProviderHealth::Down), 30));
        assert_eq!(gateway.available_bp, 5_384, "7 of 13 slots");
        let openai = today(&history, OPENAI);
        assert_eq!((openai.degraded_minutes, openai.down_minutes), (5, 5));
        assert_eq!((openai.health, openai.available_bp), (Some(ProviderHealth::Degraded), 8_571));
        let days = &history.subjects.first().unwrap().days;
        assert_eq!(days.first().map(|day| (day.health, day.available_bp)), Some((None, 10_000)));
        let own = Incident {
            subject: StatusSubject::Gateway,
            health: ProviderHealth::Down,
            began_at: minute(30),
            ended_at: Some(minute(60)),
        };
        let theirs = Incident { subject: OPENAI, began_at: minute(20), ended_at: Some(minute(30)), ..own };
        assert_eq!(history.incidents, [own, theirs]);
    }

    #[test]
    fn what_is_close_together_is_one_disturbance_and_one_of_now_has_no_end() {
        let own = hour(StatusSubject::Gateway, 0, (0xfff, 0, 0));
        // 00:00 and 00:10 belong together, 00:30 is another one.
        let hours = [own, hour(OPENAI, 0, (0xfff, 0b0100_0001, 0b100))];
        let spans = |history: &StatusHistory| -> Vec<(Timestamp, Option<Timestamp>)> {
            history.incidents.iter().map(|incident| (incident.began_at, incident.ended_at)).collect()
        };
        let first = (minute(0), Some(minute(15)));
        let late = StatusHistory::of(&hours, minute(59));
        assert_eq!(spans(&late), [(minute(30), Some(minute(35))), first]);
        assert_eq!(late.incidents.last().map(|incident| incident.health), Some(ProviderHealth::Down));
        let present = StatusHistory::of(&hours, minute(36));
        assert_eq!(spans(&present), [(minute(30), None), first]);
    }

    #[test]
    fn nothing_is_known_of_a_new_installation() {
        assert_eq!(StatusHistory::of(&[], minute(0)), StatusHistory::default());
    }
}
