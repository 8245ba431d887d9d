//! What is kept about people, for how long, and that it ends.

mod retention;

pub use retention::{
    CONSENT_KEPT, KEY_KEPT, NETWORK_KEPT, NOTICE_KEPT, Overdue, Purged, Retention, RetentionError,
    RetentionObserver, RetentionStores, SECURITY_LOG_KEPT, SESSION_KEPT, USAGE_DAYS_MAX,
};
