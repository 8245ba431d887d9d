//! How the output limit of a request is shared among the stages of an ensemble.

/// The least that a stage can write anything in, in tokens.
pub(super) const STAGE_MIN: u64 = 256;
const PLAN_MAX: u64 = 4_096;
const PLAN_PERCENT: u64 = 20;
const REVIEW_MAX: u64 = 2_048;
const REVIEW_PERCENT: u64 = 15;

/// Whether there is a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reviewing {
    Yes,
    /// Nobody would see it, and nothing would follow from it.
    No,
}

/// Output limits of the stages, in tokens; together they are the limit of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) plan: u64,
    /// For the code and its repair together.
    pub(super) code: u64,
    /// Zero where there is none.
    pub(super) review: u64,
}

/// The smallest limit that can be shared.
pub(super) const fn least(reviewing: Reviewing) -> u64 {
    match reviewing {
        Reviewing::Yes => 3 * STAGE_MIN,
        Reviewing::No => 2 * STAGE_MIN,
    }
}

impl Shares {
    /// A fifth for the plan, 15 % for the review, both within bounds, the rest for the code. `None` if
    /// the limit is too small.
    pub(super) fn of(limit: u64, reviewing: Reviewing) -> Option<Self> {
        if limit < least(reviewing) {
            return None;
        }
        let plan = part(limit, PLAN_PERCENT).clamp(STAGE_MIN, PLAN_MAX);
        let review = match reviewing {
            Reviewing::Yes => part(limit, REVIEW_PERCENT).clamp(STAGE_MIN, REVIEW_MAX),
            Reviewing::No => 0,
        };
        Some(Self { plan, code: limit.saturating_sub(plan).saturating_sub(review), review })
    }
}

fn part(limit: u64, percent: u64) -> u64 {
    u64::try_from(u128::from(limit) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_shares_of_some_limits() {
        for (limit, plan, code, review) in [
            (768, 256, 256, 256),
            (2_000, 400, 1_300, 300),
            (10_000, 2_000, 6_500, 1_500),
            (128_000, 4_096, 121_856, 2_048),
        ] {
            assert_eq!(Shares::of(limit, Reviewing::Yes), Some(Shares { plan, code, review }), "{limit}");
        }
        assert_eq!(Shares::of(767, Reviewing::Yes), None);
        assert_eq!(Shares::of(512, Reviewing::No), Some(Shares { plan: 256, code: 256, review: 0 }));
        assert_eq!(Shares::of(511, Reviewing::No), None);
    }

    proptest! {
        #[test]
        fn shares_are_within_their_bounds_and_add_up_to_the_limit(limit in 0_u64.., reviewed in any::<bool>()) {
            let reviewing = if reviewed { Reviewing::Yes } else { Reviewing::No };
            let Some(Shares { plan, code, review }) = Shares::of(limit, reviewing) else {
                prop_assert!(limit < least(reviewing));
                return Ok(());
            };
            prop_assert_eq!(plan + code + review, limit);
            prop_assert!((STAGE_MIN..=PLAN_MAX).contains(&plan));
            prop_assert!(code >= STAGE_MIN);
            let within = if reviewed { (STAGE_MIN..=REVIEW_MAX).contains(&review) } else { review == 0 };
            prop_assert!(within, "{review}");
        }
    }
}
