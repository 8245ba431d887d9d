//! Credit for a payment.

use super::*;

on_each_database! {
    a_payment_is_credited_once_whenever_the_process_dies
}

async fn a_payment_is_credited_once_whenever_the_process_dies(fixture: Fixture) {
    let world = World::open(fixture).await;
    let mut steps = 0;
    loop {
        let account = world.person().await.id;
        let (id, page) = world.buy(account, cents(1_000)).await;
        world.stripe.pay(&page).unwrap();
        let done = world.fuse.after(steps, world.mortal.cashier.fulfil(id)).await;
        world.node.cashier.fulfil(id).await.unwrap();
        world.node.cashier.fulfil(id).await.unwrap();
        assert_eq!(world.available(account).await, cents(1_000), "after {steps} steps");
        assert_eq!(world.mails().await, [NoticeKind::TopUpReceipt], "after {steps} steps");
        if done.is_some() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 8, "only {steps} steps were seen");
    world.audit().await;
}
