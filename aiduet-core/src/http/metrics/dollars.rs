//! A counter of money: exact nano-dollars inside, dollars outside.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeCounterValue, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::money::Money;

/// Dollars that only grow. Sums in whole nano-dollars, so that no rounding adds up.
#[derive(Debug, Default)]
pub(super) struct Dollars(AtomicU64);

impl Dollars {
    /// Adds an amount; negative amounts do not occur in what is counted here and add nothing.
    pub(super) fn add(&self, amount: Money) {
        let nanos = u64::try_from(amount.nanos()).unwrap_or(0);
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }

    fn total(&self) -> Money {
        Money::from_nanos(i64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(i64::MAX))
    }
}

impl TypedMetric for Dollars {
    const TYPE: MetricType = MetricType::Counter;
}

impl EncodeMetric for Dollars {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, Total, u64>(&Total(self.total()), None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

struct Total(Money);

impl EncodeCounterValue for Total {
    /// The nearest float of the exact decimal.
    fn encode(&self, encoder: &mut prometheus_client::encoding::CounterValueEncoder<'_>) -> fmt::Result {
        self.0.to_string().parse::<f64>().map_err(|_never| fmt::Error)?.encode(encoder)
    }
}
