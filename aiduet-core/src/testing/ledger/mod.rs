//! What every ledger must do.

mod custody;
mod grants;
mod holds;
mod limits;
mod log;
mod machine;
mod model;
mod months;
mod postings;
mod races;
mod scene;
mod spending;
mod statement;
mod usage;

pub use custody::*;
pub use grants::*;
pub use holds::*;
pub use limits::*;
pub use log::*;
pub use machine::{Effort, ledger_equals_model};
pub use months::*;
pub use postings::*;
pub use races::*;
pub use scene::{FreshLedger, WholeLedger};
pub use spending::*;
pub use statement::*;
pub use usage::*;

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<FreshLedger<L>>` that makes an empty ledger; `None`
/// skips the case, after the function has printed why. The tests run on `tokio::test` with four
/// threads, and each ends with [`Audit::verify`](crate::ledger::Audit::verify) finding nothing.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use aiduet_core::backends::memory::MemoryLedger;
/// use aiduet_core::clock::ManualClock;
/// use aiduet_core::testing::Factory;
/// use aiduet_core::testing::ledger::FreshLedger;
///
/// async fn my_ledger() -> Option<FreshLedger<MemoryLedger>> {
///     let clock = Arc::clone(Factory::new(0).clock());
///     let ledger = MemoryLedger::new(Arc::<ManualClock>::clone(&clock));
///     let pass = move |time| {
///         clock.advance(time);
///         async {}
///     };
///     Some(FreshLedger::new(ledger, Factory::new(0).now(), pass))
/// }
///
/// aiduet_core::ledger_conformance!(my_ledger);
/// ```
#[macro_export]
macro_rules! ledger_conformance {
    ($new_ledger:path) => {
        $crate::ledger_conformance! {
            @cases $new_ledger:
            a_reserve_sets_funds_aside
            a_reserve_may_take_everything_but_no_more
            an_empty_account_reserves_nothing
            a_reserve_of_nothing_is_refused
            the_same_reserve_again_changes_nothing
            a_reserve_with_a_used_identifier_conflicts
            a_reserve_whose_answer_was_lost_is_granted_again
            a_hold_of_one_account_is_never_anothers
            a_refused_reserve_leaves_no_trace
            a_settle_takes_the_charge_and_releases_the_rest
            a_settle_without_a_charge_releases_everything
            a_settle_by_a_clock_that_is_behind_is_not_before_its_hold
            the_same_settle_again_changes_nothing
            a_settle_with_other_content_conflicts
            a_void_releases_everything
            a_void_with_a_record_keeps_it
            the_same_void_again_changes_nothing
            a_hold_is_resolved_in_one_way
            a_hold_of_somebody_else_is_not_settled
            all_holds_of_a_request_are_settled_together
            holds_that_are_not_named_are_released_too
            a_request_that_is_over_gets_no_more_funds
            a_charge_without_a_hold_is_made_all_the_same
            a_charge_above_the_hold_goes_negative_and_blocks
            a_credit_repays_and_unblocks
            a_charge_above_the_hold_takes_what_is_free_first
            a_frozen_account_settles_but_does_not_reserve
            promotional_credit_goes_before_paid_credit
            what_is_released_goes_back_where_it_came_from
            lots_are_used_by_priority_and_expiry
            amounts_near_the_limit_do_not_wrap
            each_spend_limit_counts_charges_and_holds
            a_spend_limit_begins_anew_with_its_period
            the_tightest_limit_is_named
            a_key_spends_in_all_its_periods
            a_monthly_limit_counts_charges_and_holds_of_all_keys
            a_monthly_limit_begins_anew_with_the_month
            the_tighter_of_key_and_account_is_named
            a_monthly_limit_counts_what_was_spent_before_it
            extensions_obey_the_monthly_limit_and_a_settle_does_not
            what_is_given_back_may_be_spent_again
            a_monthly_limit_is_changed_only_by_who_knows_it
            many_tasks_never_overspend
            sec_t25_many_tasks_never_exceed_the_limit_of_a_key
            sec_t25_many_tasks_never_exceed_the_limit_of_an_account
            the_same_reserve_at_the_same_time_holds_once
            two_accounts_at_the_same_time_do_not_share_a_hold
            settle_and_void_at_the_same_time_have_one_winner
            settle_and_sweep_at_the_same_time_charge_once
            a_dropped_call_can_be_repeated
            holds_of_a_living_node_are_left_alone
            holds_of_a_retired_node_are_swept_at_once
            holds_of_a_node_never_seen_are_swept
            a_sweep_charges_the_floor
            a_sweep_charges_what_was_noted
            a_sweep_charges_at_most_what_is_held
            a_sweep_takes_at_most_its_limit
            a_late_settle_books_the_difference
            a_late_settle_below_what_was_charged_gives_back
            a_late_void_gives_back
            a_swept_request_gets_no_more_funds
            progress_never_lowers_and_ignores_what_is_over
            the_same_posting_again_changes_nothing
            a_posting_with_a_used_identifier_conflicts
            an_external_identifier_is_used_once_per_kind
            postings_are_written_all_or_none
            a_debit_that_is_not_covered_is_refused
            held_funds_are_not_paid_out
            a_refund_and_a_dispute_are_made_by_force
            reversals_are_bounded_by_their_posting
            a_failed_refund_may_be_made_again
            a_grant_lapses_as_far_as_it_is_free
            grants_lapse_when_they_have_run_out
            what_is_left_of_grants_is_listed_in_the_order_of_use
            what_a_hold_will_burn_does_not_lapse
            grants_lapse_once_however_many_ask
            lapsing_takes_at_most_its_limit
            postings_that_break_the_books_are_refused
            a_record_is_found_as_it_was_written
            records_are_listed_newest_first_in_pages
            records_of_others_are_not_visible
            bills_of_a_day_are_read_in_pages
            a_statement_leads_from_the_balance_to_zero
            statements_are_told_in_pages
            a_statement_is_about_one_account
            usage_is_summed_by_step_and_group
            a_late_settle_moves_what_is_summed
            the_log_is_filtered
            the_log_is_listed_in_pages_within_its_range
            usage_of_others_is_not_visible
        }
    };
    (@cases $new_ledger:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(fresh) = $new_ledger().await {
                    $crate::testing::ledger::$case(&fresh).await;
                    fresh.verify().await;
                }
            }
        )+
    };
}
