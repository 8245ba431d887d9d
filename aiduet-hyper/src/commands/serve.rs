//! `aiduet serve`

use aiduet_core::telemetry::{self, Sink};

use super::Context;
use crate::boot;
use crate::cli::Serve;
use crate::failure::Failure;

pub(super) async fn run(context: Context, options: Serve) -> Result<(), Failure> {
    let Context { mut given, form: _, reason: _ } = context;
    let Serve { listen, check } = options;
    if let Some(listen) = listen {
        given.flags.push(("server.listen", "--listen", listen));
    }
    let settings = crate::config::load(&given)?.settings;
    telemetry::start(settings.telemetry, Sink::Stdout);
    let ready = boot::prepare(settings).await?;
    if check {
        return Ok(());
    }
    ready.run().await
}
