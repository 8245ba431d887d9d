//! `aiduet config`

use super::Context;
use crate::cli::Config;
use crate::failure::Failure;
use crate::output::{self, Form};

pub(super) fn run(context: &Context, verb: Config) -> Result<(), Failure> {
    match verb {
        Config::Check => {
            let loaded = crate::config::load(&context.given)?;
            let usable =
                loaded.settings.upstream.vendors().into_iter().filter(|(_, settings)| settings.is_usable());
            let names: Vec<_> = usable.map(|(vendor, _)| vendor.as_str()).collect();
            if names.is_empty() {
                output::note("no upstream has an api_key: `aiduet serve` would refuse to start");
                return Err(Failure::Problems);
            }
            output::object(context.form, &serde_json::json!({"valid": true, "upstreams": names}))?;
        }
        // There is no way to see secrets; the option says what always happens.
        Config::Show { redacted: _ } => {
            let shown = crate::config::load(&context.given)?.show();
            match context.form {
                Form::Json => output::list(context.form, &shown)?,
                Form::Table => {
                    for row in shown {
                        output::line(&format!("{} = {}  # {}", row.key, row.value, row.origin))?;
                    }
                }
            }
        }
        Config::Example => output::line(crate::config::example().trim_end())?,
    }
    Ok(())
}
