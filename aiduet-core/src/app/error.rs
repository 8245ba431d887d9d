//! Why an application cannot be put together.

use crate::class::{Classify, ErrorClass, Retry, Source};
use crate::duet::DuetDataError;
use crate::policy::PolicyError;
use crate::price::{ModelId, PriceError};
use crate::provider::Vendor;

/// Failure to put an application together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A part is missing.
    #[error("the application has no {0}")]
    Missing(&'static str),
    /// No backend of this build takes the URL.
    #[error("no database backend of this build takes the URL in database.url")]
    UnknownDatabase,
    /// The database does not answer, or is not as it must be.
    #[error("the database cannot be used")]
    Database {
        /// What the backend said.
        source: Source,
    },
    /// The URL of the shared limits is of no use to this build.
    #[error("no backend of this build takes the URL in redis.url")]
    UnknownRedis,
    /// The mail server cannot be configured.
    #[error("mail.url or mail.from cannot be used")]
    Mail {
        /// What the backend said.
        source: Source,
    },
    /// No backend of this build takes the URL.
    #[error("this build cannot send mail to the URL in mail.url")]
    UnknownMail,
    /// A provider cannot be configured.
    #[error("upstream.{} cannot be used", vendor.as_str())]
    Upstream {
        /// Whose.
        vendor: Vendor,
        /// What the backend said.
        source: Source,
    },
    /// No backend of this build speaks to the vendor.
    #[error("this build cannot speak to {}", .0.as_str())]
    UnknownVendor(Vendor),
    /// The duet is to choose a model that is not in the price book.
    #[error("{key} names `{model}`, which has no price or does not generate text")]
    UnknownModel {
        /// The key of the settings.
        key: String,
        /// The model.
        model: ModelId,
    },
    /// The data of the duet are wrong.
    #[error("the duet cannot be used")]
    Duet(#[from] DuetDataError),
    /// The texts of the policies are wrong.
    #[error("the policies cannot be used")]
    Policy(#[from] PolicyError),
    /// The card company cannot be configured.
    #[error("payment.stripe cannot be used")]
    Payment {
        /// What the backend said.
        source: Source,
    },
    /// No backend of this build speaks to the card company.
    #[error("this build cannot speak to stripe")]
    UnknownProcessor,
    /// The identity provider cannot be configured.
    #[error("auth.google cannot be used")]
    IdentityProvider {
        /// What the backend said.
        source: Source,
    },
    /// No backend of this build speaks to identity providers.
    #[error("this build cannot sign people in with google")]
    UnknownIdentityProvider,
    /// A setting cannot be used.
    #[error("{setting} cannot be used")]
    Setting {
        /// Which.
        setting: &'static str,
        /// Why not.
        source: Source,
    },
    /// The prices are wrong.
    #[error("the prices cannot be used")]
    Prices(#[from] PriceError),
}

impl Classify for BuildError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Missing(_)
            | Self::UnknownDatabase
            | Self::UnknownRedis
            | Self::Mail { .. }
            | Self::UnknownMail
            | Self::Upstream { .. }
            | Self::UnknownModel { .. }
            | Self::Payment { .. }
            | Self::UnknownProcessor
            | Self::IdentityProvider { .. }
            | Self::UnknownIdentityProvider
            | Self::Setting { .. }
            | Self::UnknownVendor(_) => ErrorClass::Invalid,
            Self::Database { .. } => ErrorClass::Unavailable,
            Self::Prices(_) | Self::Duet(_) | Self::Policy(_) => ErrorClass::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Database { .. } => Retry::Safe,
            Self::Missing(_)
            | Self::UnknownDatabase
            | Self::UnknownRedis
            | Self::Mail { .. }
            | Self::UnknownMail
            | Self::Upstream { .. }
            | Self::Setting { .. }
            | Self::UnknownVendor(_)
            | Self::UnknownModel { .. }
            | Self::Duet(_)
            | Self::Policy(_)
            | Self::Payment { .. }
            | Self::UnknownProcessor
            | Self::IdentityProvider { .. }
            | Self::UnknownIdentityProvider
            | Self::Prices(_) => Retry::Never,
        }
    }
}
