//! The rules of money a second time, as plainly as possible: sums in `i128`, no postings, no
//! database. What a ledger does is held against it.

use crate::id::LotId;
use crate::ledger::Reserving;

/// What a call is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Done,
    Settled {
        charged: i128,
        overage: i128,
        state: State,
    },
    Swept {
        recovered: u32,
        lost: u32,
    },
    Short,
    Frozen,
    Conflict,
    /// The books forbid it.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Booked,
    Replayed,
    Late,
}

#[derive(Debug, Default)]
pub(super) struct Person {
    pub(super) paid: i128,
    pub(super) promo: i128,
    pub(super) used: i128,
    pub(super) frozen: bool,
    /// Promotional credit that came back; used before any grant.
    returned: i128,
    grants: Vec<Grant>,
}

#[derive(Debug)]
struct Grant {
    priority: i32,
    id: LotId,
    left: i128,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    promo: i128,
    paid: i128,
}

impl Pair {
    const fn sum(self) -> i128 {
        self.promo + self.paid
    }

    const fn plus(self, other: Self) -> Self {
        Self { promo: self.promo + other.promo, paid: self.paid + other.paid }
    }
}

#[derive(Clone, Copy, Debug)]
enum End {
    Open,
    Voided,
    Swept(Pair),
    Closed { charge: i128, overage: i128 },
}

#[derive(Debug)]
pub(super) struct Request {
    person: usize,
    key: usize,
    node: usize,
    /// Amounts of the holds that were made.
    holds: Vec<(Pair, i128)>,
    /// What is set aside now.
    open: Vec<Pair>,
    /// What is charged if the process dies, per hold.
    floors: Vec<i128>,
    end: End,
}

/// A reserve as the model sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) request: usize,
    pub(super) amount: i128,
    pub(super) floor: i128,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) people: [Person; 2],
    requests: Vec<Request>,
    /// What each key has spent.
    pub(super) spent: [i128; 2],
    /// The most that each key may spend.
    limits: [Option<i128>; 2],
    /// The most that each person may spend in the month of the test.
    month_limits: [Option<i128>; 2],
    alive: [bool; 2],
    /// Of each top-up: whose it is, how much, and how much of it was refunded.
    top_ups: Vec<(usize, i128, i128)>,
}

impl Model {
    pub(super) fn new(limits: [Option<i128>; 2], month_limits: [Option<i128>; 2]) -> Self {
        Self { limits, month_limits, ..Self::default() }
    }

    pub(super) fn held(&self, person: usize) -> Pair {
        let of_person = self.requests.iter().filter(|request| request.person == person);
        of_person.flat_map(|request| &request.open).fold(Pair::default(), |sum, pair| sum.plus(*pair))
    }

    pub(super) fn held_sum(&self, person: usize) -> i128 {
        self.held(person).sum()
    }

    pub(super) fn held_by_key(&self, key: usize) -> i128 {
        let of_key = self.requests.iter().filter(|request| request.key == key);
        of_key.flat_map(|request| &request.open).map(|pair| pair.sum()).sum()
    }

    pub(super) fn holds_made(&self, request: usize) -> usize {
        self.requests[request].holds.len()
    }

    pub(super) fn is_voided(&self, request: usize) -> bool {
        matches!(self.requests[request].end, End::Voided)
    }

    /// What the record of a request says that it cost; `None` if there is no record.
    pub(super) fn recorded(&self, request: usize) -> Option<i128> {
        match self.requests[request].end {
            End::Open | End::Voided => None,
            End::Swept(charged) => Some(charged.sum()),
            End::Closed { charge, .. } => Some(charge),
        }
    }

    pub(super) fn open_request(&mut self, person: usize, key: usize, node: usize) {
        let (holds, open, floors) = (Vec::new(), Vec::new(), Vec::new());
        self.requests.push(Request { person, key, node, holds, open, floors, end: End::Open });
    }

    /// A hold that is not there yet.
    pub(super) fn reserve(&mut self, wish: Wish) -> Reply {
        let Wish { request, amount, floor } = wish;
        let Request { person, key, end, .. } = self.requests[request];
        if !matches!(end, End::Open) {
            return Reply::Conflict;
        }
        let (held, held_by_key) = (self.held(person), self.held_by_key(key));
        let owner = &self.people[person];
        if owner.frozen {
            return Reply::Frozen;
        }
        let over_limit = self.limits[key].is_some_and(|limit| self.spent[key] + held_by_key + amount > limit)
            || self.month_limits[person].is_some_and(|limit| owner.used + held.sum() + amount > limit);
        let free = Pair { promo: owner.promo - held.promo, paid: owner.paid - held.paid };
        if over_limit || free.paid < 0 || free.sum() < amount {
            return Reply::Short;
        }
        let promo = amount.min(free.promo);
        let pair = Pair { promo, paid: amount - promo };
        let request = &mut self.requests[request];
        request.holds.push((pair, amount));
        request.open.push(pair);
        request.floors.push(floor);
        Reply::Done
    }

    /// The first reserve of a request again.
    pub(super) fn reserve_again(&mut self, wish: Wish) -> Reply {
        let request = &self.requests[wish.request];
        match (request.holds.first(), request.end) {
            (None, _) => self.reserve(wish),
            (Some((_pair, amount)), End::Open) if *amount == wish.amount => Reply::Done,
            (Some(_), _) => Reply::Conflict,
        }
    }

    pub(super) fn settle(&mut self, request: usize, charge: i128) -> Reply {
        let before = match self.requests[request].end {
            End::Closed { charge: booked, overage } if booked == charge => {
                return Reply::Settled { charged: charge, overage, state: State::Replayed };
            }
            End::Closed { .. } | End::Voided => return Reply::Conflict,
            End::Open => None,
            End::Swept(charged) => Some(charged),
        };
        let (_charged, overage) = self.charge(request, charge, before.unwrap_or_default());
        self.requests[request].end = End::Closed { charge, overage };
        let state = if before.is_some() { State::Late } else { State::Booked };
        Reply::Settled { charged: charge, overage, state }
    }

    pub(super) fn void(&mut self, request: usize) -> Reply {
        let state = match self.requests[request].end {
            End::Closed { .. } => return Reply::Conflict,
            End::Voided => State::Replayed,
            End::Open => {
                if !self.requests[request].holds.is_empty() {
                    self.requests[request].end = End::Voided;
                }
                self.requests[request].open.clear();
                State::Booked
            }
            End::Swept(charged) => {
                self.charge(request, 0, charged);
                self.requests[request].end = End::Swept(Pair::default());
                State::Late
            }
        };
        Reply::Settled { charged: 0, overage: 0, state }
    }

    pub(super) fn progress(&mut self, request: usize, used: i128) -> Reply {
        if let Some(floor) = self.requests[request].floors.first_mut() {
            *floor = used.max(*floor);
        }
        Reply::Done
    }

    pub(super) fn beat(&mut self, node: usize) -> Reply {
        self.alive[node] = true;
        Reply::Done
    }

    pub(super) fn retire(&mut self, node: usize) -> Reply {
        self.alive[node] = false;
        Reply::Done
    }

    pub(super) fn sweep(&mut self) -> Reply {
        let (mut recovered, mut lost) = (0, 0);
        for index in 0..self.requests.len() {
            let request = &self.requests[index];
            if request.open.is_empty() || self.alive[request.node] {
                continue;
            }
            let held: i128 = request.open.iter().map(|pair| pair.sum()).sum();
            let charge = request.floors.iter().sum::<i128>().min(held);
            let (charged, _overage) = self.charge(index, charge, Pair::default());
            self.requests[index].end = End::Swept(charged);
            *if charge > 0 { &mut recovered } else { &mut lost } += 1;
        }
        Reply::Swept { recovered, lost }
    }

    /// Makes the charge of a request what is given, and releases its holds. Returns what is
    /// charged from where, and what no hold covered.
    fn charge(&mut self, request: usize, charge: i128, before: Pair) -> (Pair, i128) {
        let Request { person, key, .. } = self.requests[request];
        let open = std::mem::take(&mut self.requests[request].open);
        let held = open.into_iter().fold(Pair::default(), Pair::plus);
        let others = self.held(person);
        let due = charge - before.sum();
        self.spent[key] += due;
        let owner = &mut self.people[person];
        owner.used += due;
        if due < 0 {
            let paid = before.paid.min(-due);
            let promo = -due - paid;
            owner.paid += paid;
            owner.promo += promo;
            owner.returned += promo;
            return (Pair { promo: before.promo - promo, paid: before.paid - paid }, 0);
        }
        let promo = due.min(held.promo);
        let paid = (due - promo).min(held.paid);
        let over = due - promo - paid;
        let free = (owner.promo - promo - others.promo).max(0);
        let over_promo = over.min(free);
        let taken = Pair { promo: promo + over_promo, paid: paid + over - over_promo };
        owner.paid -= taken.paid;
        owner.use_promo(taken.promo);
        (before.plus(taken), over)
    }

    pub(super) fn top_up(&mut self, person: usize, amount: i128) -> Reply {
        if amount == 0 {
            return Reply::Refused;
        }
        self.people[person].paid += amount;
        self.top_ups.push((person, amount, 0));
        Reply::Done
    }

    pub(super) fn refund(&mut self, top_up: usize, amount: i128) -> Reply {
        let (person, whole, refunded) = &mut self.top_ups[top_up];
        if amount == 0 || *refunded + amount > *whole {
            return Reply::Refused;
        }
        *refunded += amount;
        self.people[*person].paid -= amount;
        Reply::Done
    }

    pub(super) fn debit(&mut self, person: usize, amount: i128) -> Reply {
        let free = self.people[person].paid - self.held(person).paid;
        if amount == 0 {
            Reply::Refused
        } else if free < amount {
            Reply::Short
        } else {
            self.people[person].paid -= amount;
            Reply::Done
        }
    }

    pub(super) fn grant(&mut self, person: usize, lot: (i32, LotId), amount: i128) -> Reply {
        if amount == 0 {
            return Reply::Refused;
        }
        let (priority, id) = lot;
        let owner = &mut self.people[person];
        owner.promo += amount;
        owner.grants.push(Grant { priority, id, left: amount });
        Reply::Done
    }

    pub(super) fn lapse(&mut self, person: usize, lot: LotId, amount: i128) -> Reply {
        let free = self.people[person].promo - self.held(person).promo;
        if amount == 0 {
            return Reply::Refused;
        }
        if free < amount {
            return Reply::Short;
        }
        let owner = &mut self.people[person];
        match owner.grants.iter_mut().find(|grant| grant.id == lot && grant.left >= amount) {
            Some(grant) => grant.left -= amount,
            None => return Reply::Refused,
        }
        owner.promo -= amount;
        Reply::Done
    }

    pub(super) fn set_reserving(&mut self, person: usize, reserving: Reserving) -> Reply {
        self.people[person].frozen = reserving == Reserving::Frozen;
        Reply::Done
    }
}

impl Person {
    fn use_promo(&mut self, amount: i128) {
        self.promo -= amount;
        let mut left = amount - amount.min(self.returned);
        self.returned -= amount - left;
        self.grants.sort_by_key(|grant| (grant.priority, grant.id));
        for grant in &mut self.grants {
            let taken = left.min(grant.left);
            grant.left -= taken;
            left -= taken;
        }
    }
}
