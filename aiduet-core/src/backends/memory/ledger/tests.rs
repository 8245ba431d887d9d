use super::*;
use crate::clock::ManualClock;
use crate::testing::Factory;
use crate::testing::ledger::FreshLedger;

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
