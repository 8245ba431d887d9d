//! What the public pages say. A text that is missing in a language does not compile.

mod en;
mod ja;
mod zh;

use crate::account::Locale;

/// The words of a language.
pub(super) struct Words {
    pub(super) nav: Nav,
    pub(super) home: Home,
    pub(super) docs: Docs,
    pub(super) pricing: Pricing,
    pub(super) status: Status,
    pub(super) policy: PolicyWords,
    pub(super) proof: Proof,
    pub(super) lost: Lost,
}

/// What stands on every page.
pub(super) struct Nav {
    pub(super) skip: &'static str,
    pub(super) label: &'static str,
    pub(super) languages: &'static str,
    pub(super) docs: &'static str,
    pub(super) pricing: &'static str,
    pub(super) status: &'static str,
    pub(super) proof: &'static str,
    pub(super) privacy: &'static str,
    pub(super) terms: &'static str,
    pub(super) dashboard: &'static str,
    pub(super) run_by: &'static str,
}

/// The first page.
pub(super) struct Home {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) start: &'static str,
    pub(super) read: &'static str,
    /// Title and text.
    pub(super) promises: [(&'static str, &'static str); 3],
    /// Leads to the page that shows what is kept and how it is tested.
    pub(super) proof: &'static str,
    pub(super) duet_title: &'static str,
    pub(super) duet_text: &'static str,
    pub(super) duet_plan: &'static str,
    pub(super) duet_code: &'static str,
    pub(super) call_title: &'static str,
    pub(super) call_text: &'static str,
    pub(super) prices_title: &'static str,
    pub(super) prices_all: &'static str,
    pub(super) steps_title: &'static str,
    pub(super) steps: [&'static str; 3],
}

/// How to call.
pub(super) struct Docs {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) key_title: &'static str,
    pub(super) key_text: &'static str,
    pub(super) curl: &'static str,
    pub(super) python_openai: &'static str,
    pub(super) python_anthropic: &'static str,
    pub(super) tools: &'static str,
    pub(super) tools_text: &'static str,
    pub(super) duet_title: &'static str,
    pub(super) duet_text: &'static str,
    pub(super) bill_title: &'static str,
    pub(super) bill_text: &'static str,
    pub(super) errors_title: &'static str,
    pub(super) errors_text: &'static str,
    /// Status, code and what to do.
    pub(super) errors: [(&'static str, &'static str, &'static str); 6],
    pub(super) error_status: &'static str,
    pub(super) error_code: &'static str,
    pub(super) error_advice: &'static str,
    pub(super) more_title: &'static str,
    pub(super) openapi: &'static str,
}

/// What models cost.
pub(super) struct Pricing {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) caption: &'static str,
    pub(super) model: &'static str,
    pub(super) provider: &'static str,
    pub(super) context: &'static str,
    pub(super) max_output: &'static str,
    pub(super) input: &'static str,
    pub(super) cache_read: &'static str,
    pub(super) cache_write: &'static str,
    pub(super) output: &'static str,
    pub(super) valid_from: &'static str,
    pub(super) version: &'static str,
    pub(super) margin: &'static str,
    pub(super) no_margin: &'static str,
    pub(super) tiers: &'static str,
    /// The field that looks for models, its button, and what is said where there are none.
    pub(super) find: [&'static str; 3],
    /// The same as data.
    pub(super) as_data: &'static str,
}

/// How the providers are.
pub(super) struct Status {
    pub(super) title: &'static str,
    pub(super) caption: &'static str,
    pub(super) provider: &'static str,
    pub(super) state: &'static str,
    pub(super) up: &'static str,
    pub(super) degraded: &'static str,
    pub(super) down: &'static str,
    pub(super) checked: &'static str,
    pub(super) note: &'static str,
    /// What the gateway itself is called.
    pub(super) gateway: &'static str,
    pub(super) history: &'static str,
    pub(super) history_lead: &'static str,
    /// Of a day on which nobody looked.
    pub(super) unknown: &'static str,
    /// Behind a percentage.
    pub(super) available: &'static str,
    /// Above the days on which something was wrong, and in their place where there are none.
    pub(super) troubled: (&'static str, &'static str),
    pub(super) day: &'static str,
    pub(super) degraded_minutes: &'static str,
    pub(super) down_minutes: &'static str,
    pub(super) share: &'static str,
    pub(super) incidents: &'static str,
    pub(super) no_incidents: &'static str,
    pub(super) began: &'static str,
    pub(super) ended: &'static str,
    /// Of a disturbance that is still there.
    pub(super) ongoing: &'static str,
    /// Where it cannot be read how everything was.
    pub(super) no_history: &'static str,
}

/// Around a policy.
pub(super) struct PolicyWords {
    pub(super) version: &'static str,
    pub(super) in_force_since: &'static str,
    /// Of a version that has been announced.
    pub(super) in_force_from: &'static str,
    pub(super) versions: &'static str,
    pub(super) versions_lead: &'static str,
    pub(super) whats_new: &'static str,
    /// Leads to the page that compares a version with the one before.
    pub(super) changes: &'static str,
    /// Above that page; before and behind the former version.
    pub(super) compared: (&'static str, &'static str),
    /// How to read it: what is struck out, and what is underlined.
    pub(super) legend: (&'static str, &'static str),
    /// Read aloud around a part that went, and around one that came.
    pub(super) removed: &'static str,
    pub(super) added: &'static str,
    /// Read aloud behind either.
    pub(super) end_of_change: &'static str,
    pub(super) operator_unknown: &'static str,
    pub(super) contact_unknown: &'static str,
}

/// What is kept of a request.
pub(super) struct Proof {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) kept_title: &'static str,
    pub(super) column: &'static str,
    pub(super) example: &'static str,
    pub(super) meaning: &'static str,
    /// Name, example and meaning.
    pub(super) kept: [(&'static str, &'static str, &'static str); 12],
    pub(super) not_kept_title: &'static str,
    pub(super) not_kept: [&'static str; 4],
    pub(super) tested_title: &'static str,
    pub(super) tested: [&'static str; 3],
    pub(super) providers_title: &'static str,
    pub(super) providers: &'static str,
}

/// A page that is not there.
pub(super) struct Lost {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) home: &'static str,
    pub(super) request: &'static str,
    /// Title and text where something does not work for now.
    pub(super) unavailable: (&'static str, &'static str),
}

/// The words of a language.
pub(super) const fn words(locale: Locale) -> &'static Words {
    match locale {
        Locale::En => &en::WORDS,
        Locale::ZhCn => &zh::WORDS,
        Locale::Ja => &ja::WORDS,
    }
}
