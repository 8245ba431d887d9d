use super::*;
use crate::clock::Timestamp;
use crate::id::LotId;

fn nanos(amount: i64) -> Money {
    Money::from_nanos(amount)
}

fn legs(promo: i64, paid: i64) -> Legs {
    Legs { promo: nanos(promo), paid: nanos(paid) }
}

fn lot(number: u128, priority: i32, expires_at: Option<i64>) -> Lot {
    Lot {
        id: LotId::from_uuid(uuid::Uuid::from_u128(number)),
        account: AccountId::from_uuid(uuid::Uuid::nil()),
        priority,
        expires_at: expires_at.map(Timestamp::from_millis),
        remaining: nanos(10),
    }
}

#[test]
fn a_charge_takes_all_promotional_legs_before_any_paid_leg() {
    let holds = [legs(5, 3), legs(2, 4)];
    for (charge, taken, left) in [
        (0, [legs(0, 0), legs(0, 0)], 0),
        (4, [legs(4, 0), legs(0, 0)], 0),
        (6, [legs(5, 0), legs(1, 0)], 0),
        (9, [legs(5, 2), legs(2, 0)], 0),
        (14, [legs(5, 3), legs(2, 4)], 0),
        (20, [legs(5, 3), legs(2, 4)], 6),
        (-3, [legs(0, 0), legs(0, 0)], 0),
    ] {
        assert_eq!(split(nanos(charge), &holds), (taken.to_vec(), nanos(left)), "{charge}");
    }
}

#[test]
fn lots_burn_by_priority_then_expiry_then_identifier() {
    let mut lots = [
        lot(6, 1, None),
        lot(5, 1, Some(9)),
        lot(4, 0, None),
        lot(3, 0, None),
        lot(2, 0, Some(7)),
        lot(1, 0, Some(8)),
    ];
    burn(&mut lots, nanos(35)).unwrap();
    let order = lots.map(|lot| (lot.id.as_uuid().as_u128(), lot.remaining.nanos()));
    assert_eq!(order, [(2, 0), (1, 0), (3, 0), (4, 5), (5, 10), (6, 10)]);
    assert!(burn(&mut lots, nanos(26)).is_err());
}

#[test]
fn spending_counts_in_the_period_it_falls_into() {
    let day = 86_400_000;
    let mut row = KeyRow::default();
    row.add(nanos(5), Timestamp::from_millis(day)).unwrap();
    row.add(nanos(7), Timestamp::from_millis(2 * day)).unwrap();
    let spent = |at: i64| row.spend(Timestamp::from_millis(at)).day.nanos();
    assert_eq!((spent(2 * day), spent(3 * day - 1), spent(3 * day)), (7, 7, 0));
    // A clock that is behind must not see an empty day.
    assert_eq!(spent(day), 7);
    assert_eq!(row.total, nanos(12));
    row.add(nanos(-9), Timestamp::from_millis(2 * day)).unwrap();
    assert_eq!((row.day.spent, row.total), (nanos(0), nanos(3)));
}
