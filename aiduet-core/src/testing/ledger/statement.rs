//! Account statements.

use std::time::Duration;

use super::scene::{FreshLedger, Scene, WholeLedger};
use crate::ledger::{
    EntryKind, LedgerAccount, Statement, StatementLine, StatementPosition, StatementRequest, StatementSubject,
};
use crate::money::Money;
use crate::testing::cents;

async fn page<L: WholeLedger>(scene: &Scene<L>, before: Option<StatementPosition>, limit: u32) -> Statement {
    let request = StatementRequest { account: scene.account, before, limit, now: scene.factory.now() };
    scene.ledger.statement(request).await.expect("statements can be read")
}

async fn used<L: WholeLedger>(scene: &Scene<L>, reserved: i64, cost: i64) {
    let request = scene.holding(reserved).await;
    scene.settle(&request, cost).await.expect("a settle is not refused");
    scene.factory.clock().advance(Duration::from_millis(1));
}

fn told(lines: &[StatementLine]) -> Vec<(String, i64)> {
    let what = |line: &StatementLine| match &line.subject {
        StatementSubject::Posting { kind, .. } => kind.as_str().to_owned(),
        StatementSubject::Usage { model } => model.to_string(),
        StatementSubject::EarlierUsage => "earlier".to_owned(),
    };
    lines.iter().map(|line| (what(line), line.amount.nanos() / 10_000_000)).collect()
}

/// Usage is told by day and model, everything else by itself, and the balances lead from the posted
/// balance down to zero.
pub async fn a_statement_leads_from_the_balance_to_zero<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    let top_up = scene.top_up(1_000).await;
    scene.factory.clock().advance(Duration::from_millis(1));
    scene.grant(50).await;
    used(&scene, 40, 30).await;
    used(&scene, 40, 35).await;
    scene.factory.clock().advance(Duration::from_hours(48));
    let refund = scene.factory.reversal(&top_up, EntryKind::Refund, cents(200));
    scene.post(&refund).await.expect("a refund is posted");
    used(&scene, 10, 25).await;
    let open = scene.holding(5).await;
    let Statement { lines, next } = page(&scene, None, 100).await;
    let model = open.origin.model.to_string();
    let expected = [(&*model, -25), ("refund", -200), (&*model, -65), ("promo_grant", 50), ("topup", 1_000)];
    let expected: Vec<(String, i64)> =
        expected.into_iter().map(|(what, amount)| (what.to_owned(), amount)).collect();
    assert_eq!((told(&lines), next), (expected, None));
    let mut balance = scene.ledger.balance(scene.account).await.expect("balances can be read").posted;
    for line in &lines {
        assert_eq!(line.balance, balance, "{line:?}");
        balance = balance.checked_sub(line.amount).expect("it fits");
    }
    assert_eq!(balance, Money::ZERO);
    let StatementSubject::Posting { id, kind, external } = &lines[1].subject else { panic!("{lines:?}") };
    assert_eq!((*id, *kind, external), (refund.id, EntryKind::Refund, &refund.external));
}

/// Pages follow each other without gap or overlap, with the same balances as in one.
pub async fn statements_are_told_in_pages<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.scene();
    for day in 0..5 {
        // Two postings of one moment, and usage between them and the next day.
        scene.top_up(100 + day).await;
        scene.grant(10).await;
        used(&scene, 20, 10 + day).await;
        scene.factory.clock().advance(Duration::from_hours(24));
    }
    let whole = page(&scene, None, 100).await;
    assert_eq!((whole.lines.len(), whole.next), (15, None));
    for limit in [1, 2, 4, 7, 15] {
        let (mut lines, mut before) = (Vec::new(), None);
        loop {
            let Statement { lines: more, next } = page(&scene, before, limit).await;
            assert!(!more.is_empty() && more.len() <= usize::try_from(limit).unwrap_or_default());
            lines.extend(more);
            before = next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(lines, whole.lines, "{limit}");
    }
}

/// What others do is not told, nor what the house does with its own accounts.
pub async fn a_statement_is_about_one_account<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    used(&scene, 20, 10).await;
    let mut fee = scene.factory.top_up(scene.account, cents(3));
    fee.kind = EntryKind::StripeFee;
    (fee.debit, fee.credit) = (LedgerAccount::StripeFees, LedgerAccount::StripeClearing);
    scene.post(&fee).await.expect("a fee is posted");
    let other = Scene { account: scene.factory.account_id(), ..fresh.scene() };
    assert_eq!(page(&other, None, 10).await, Statement::default());
    assert_eq!(page(&scene, None, 10).await.lines.len(), 2);
}
