//! The simulated provider over HTTP, without pacing: prints its base URL and runs until it is ended.
#![expect(clippy::print_stdout, reason = "whoever starts it needs the address")]

use std::sync::Arc;

use aiduet_core::backends::simulated::{SimulatedConfig, SimulatedProvider};
use aiduet_core::clock::SystemClock;
use aiduet_core::testing::fake_upstream::FakeUpstream;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let provider = SimulatedProvider::new(SimulatedConfig::default(), Arc::new(SystemClock::new()));
    let upstream = FakeUpstream::serving(Arc::new(provider)).await;
    println!("{}", upstream.base_url());
    std::future::pending::<()>().await;
}
