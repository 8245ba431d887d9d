use super::*;
use crate::clock::ManualClock;
use crate::testing::Factory;
use crate::testing::ledger::{Effort, FreshLedger, ledger_equals_model};

async fn memory_ledger() -> Option<FreshLedger<MemoryLedger>> {
    let factory = Factory::new(0);
    let clock = Arc::clone(factory.clock());
    let ledger = MemoryLedger::new(Arc::<ManualClock>::clone(&clock));
    let pass = move |time| {
        clock.advance(time);
        async {}
    };
    Some(FreshLedger::new(ledger, factory.now(), pass))
}

mod conformance {
    use super::memory_ledger;

    crate::ledger_conformance!(memory_ledger);
}

mod planted;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

#[test]
fn random_operations_do_what_the_model_does() {
    let effort = Effort { cases: 10_000, operations: 60, seed: 1 };
    ledger_equals_model(&runtime(), effort, memory_ledger).unwrap();
}
