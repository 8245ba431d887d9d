//! Calls that clients make by themselves.

use std::cell::LazyCell;

use super::clients::{Clients, Helper};
use super::phrases::Found;
use crate::dialect::{Speaker, Transcript};

/// All that the probe for a quota says.
const QUOTA: &str = "quota";

/// Which call of a client a request is, if it is one that no person has asked for; `said` is what the last message
/// on the side of the user says.
pub(super) fn helper(
    transcript: &Transcript<'_>,
    clients: &Clients,
    system: &Found,
    said: &str,
) -> Option<Helper> {
    let users = || transcript.messages().iter().filter(|message| message.speaker == Speaker::User);
    let last = users().next_back();
    let sole = last.filter(|_last| users().nth(1).is_none());
    if sole.is_some() && transcript.demands.output_limit == Some(1) && said == QUOTA {
        return Some(Helper::Quota);
    }
    let said_in_small_letters = LazyCell::new(|| said.to_ascii_lowercase());
    clients.helpers.iter().find_map(|sign| {
        if sign.without_tools && !transcript.tools.is_empty() {
            return None;
        }
        let starts = || {
            let said = said.trim_start();
            sign.starts.is_empty() || sign.starts.iter().any(|start| said.starts_with(start.as_str()))
        };
        let spoken = (sign.in_last && last.is_some()) || (sign.in_sole && sole.is_some());
        let by_user = spoken && starts() && sign.said.iter().all(|any| any.is_in(&said_in_small_letters));
        let by_system = sign.prompted.as_ref().is_some_and(|prompted| prompted.holds(system));
        (by_user || by_system).then_some(sign.kind)
    })
}
