//! Sheets of prices as operators draft, publish and withdraw them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::decide::Consent;
use super::office::Deed;
use super::{Act, Approval, Matter, Office, OfficeError, PriceFault};
use crate::audit::{AuditAction, AuditActor};
use crate::clock::Timestamp;
use crate::id::derive;
use crate::policy::NOTICE_PERIOD;
use crate::price::{
    EditionError, EditionFile, EditionMark, EditionStep, ModelId, PriceChanges, PriceDifference, PriceDraft,
    PriceEdition, PriceSheet, PriceVersion, SheetDigest, TAKE_OVER,
};

/// So many editions are listed: there is at most one a day.
const EDITIONS: u32 = 1_000;
const DAY: Duration = Duration::from_hours(24);

/// What is to become of a sheet that was drafted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceStep {
    /// It comes into force.
    Publish,
    /// It was published, and does not come into force.
    Withdraw,
}

/// What two operators decide about the text of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceDecision {
    /// What is to become of it.
    pub step: PriceStep,
    /// Which sheet.
    pub version: PriceVersion,
    /// The text that both have read.
    pub digest: SheetDigest,
}

/// What an operator wants to become of a sheet.
#[derive(Clone, Debug)]
pub struct PriceWish {
    /// What.
    pub decision: PriceDecision,
    /// A name of the wish, chosen by who asks: the same name asks once only.
    pub name: String,
    /// Who must agree.
    pub consent: Consent,
}

/// What came of a wish.
#[derive(Clone, Debug)]
pub enum PriceDecided {
    /// It is done, or was before.
    Done(PriceEdition),
    /// A second operator must agree.
    Asked(Box<Approval>),
}

/// A sheet, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceFile {
    /// What became of it.
    pub edition: PriceEdition,
    /// Where it stands.
    pub state: PriceState,
}

/// Where a sheet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceState {
    /// It was drafted.
    Draft,
    /// It was published, and comes into force.
    Upcoming,
    /// Calls are charged by it.
    InForce,
    /// It was in force before another one.
    Replaced,
    /// It was withdrawn before it came into force.
    Withdrawn,
}

impl PriceState {
    /// The code in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Upcoming => "upcoming",
            Self::InForce => "in_force",
            Self::Replaced => "replaced",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A sheet beside what is in force.
#[derive(Clone, Debug)]
pub struct PriceReview {
    /// The sheet.
    pub file: PriceFile,
    /// What it says, in the format of the embedded file.
    pub text: String,
    /// How far people have been told of it.
    pub told: u64,
    /// What it changes against the sheet that is in force.
    pub differences: Vec<PriceDifference>,
}

/// The sheets that stand, each in its place.
struct Succession {
    standing: Vec<PriceEdition>,
    first: Arc<PriceSheet>,
}

/// What came of a look at a sheet.
pub(super) struct Checked {
    /// The sheet, if it is done already.
    done: Option<PriceEdition>,
    /// The sheet that it was held against: the one that was published last.
    after: Option<PriceVersion>,
}

impl Succession {
    /// The edition that stands and was published last.
    fn last(&self) -> Option<PriceVersion> {
        PriceEdition::last(&self.standing).map(|(edition, _publication)| edition.version)
    }

    /// The edition that is in force; `None`: the first sheet.
    fn in_force(&self, now: Timestamp) -> Option<PriceVersion> {
        let standing = self.standing.iter().filter_map(|edition| Some((edition, edition.standing()?)));
        let counting = standing.filter(|(_edition, publication)| publication.in_force_from <= now);
        counting.map(|(edition, _publication)| edition.version).max()
    }

    fn file(&self, edition: PriceEdition, now: Timestamp) -> PriceFile {
        let in_force = self.in_force(now);
        let state = match (&edition.published, &edition.withdrawn) {
            (None, _) => PriceState::Draft,
            (Some(_), Some(_)) => PriceState::Withdrawn,
            (Some(_), None) if in_force == Some(edition.version) => PriceState::InForce,
            (Some(_), None) if in_force > Some(edition.version) => PriceState::Replaced,
            (Some(_), None) => PriceState::Upcoming,
        };
        PriceFile { edition, state }
    }
}

impl Office {
    /// Keeps a sheet, and says what it would change.
    ///
    /// # Errors
    /// [`OfficeError::Prices`] when the text is no sheet, or one that cannot be published; or what a store
    /// says.
    pub async fn draft_prices(&self, act: &Act, text: String) -> Result<PriceReview, OfficeError> {
        let sheet = PriceSheet::from_json(&text).map_err(PriceFault::Sheet)?;
        let (now, succession) = (self.parts.clock.now(), self.succession().await?);
        let PriceSheet { version, effective_from, .. } = sheet;
        let drafted = EditionMark { by: act.actor.clone(), at: now };
        let draft = PriceDraft { version, effective_from, text, drafted };
        let before = self.parts.price_editions.find(version).await?.map(|file| file.edition);
        let edition = PriceEdition::redrafted(before.as_ref(), &draft)?;
        if edition.standing().is_none() {
            self.check_sheet(&sheet, &succession).await?;
        }
        let digest = SheetDigest::of(&draft.text);
        let deed = Deed { subject: Some(version.into()), reference: Some(digest.into()), ..Deed::default() };
        self.note(act, AuditAction::PricesDrafted, deed).await?;
        let text = draft.text.clone();
        let edition = self.parts.price_editions.draft(draft).await?;
        self.review(EditionFile { edition, text }, &succession).await
    }

    /// The sheets that were drafted, the latest first, and what became of them.
    ///
    /// # Errors
    /// What a store says.
    pub async fn prices(&self, act: &Act) -> Result<Vec<PriceFile>, OfficeError> {
        self.note(act, AuditAction::PricesListed, Deed::default()).await?;
        let (now, succession) = (self.parts.clock.now(), self.succession().await?);
        let editions = self.parts.price_editions.list(EDITIONS).await?;
        Ok(editions.into_iter().map(|edition| succession.file(edition, now)).collect())
    }

    /// A sheet, and what it changes against the one that is in force.
    ///
    /// # Errors
    /// [`OfficeError::Edition`] when there is no such sheet, or what a store says.
    pub async fn view_prices(&self, act: &Act, version: PriceVersion) -> Result<PriceReview, OfficeError> {
        let deed = Deed { subject: Some(version.into()), ..Deed::default() };
        self.note(act, AuditAction::PricesViewed, deed).await?;
        let file = self.edition(version).await?;
        self.review(file, &self.succession().await?).await
    }

    /// What a sheet that nobody has drafted would change.
    ///
    /// # Errors
    /// [`OfficeError::Prices`] when the text is no sheet, or what a store says.
    pub async fn compare_prices(&self, act: &Act, text: &str) -> Result<Vec<PriceDifference>, OfficeError> {
        let sheet = PriceSheet::from_json(text).map_err(PriceFault::Sheet)?;
        let deed = Deed { subject: Some(sheet.version.into()), ..Deed::default() };
        self.note(act, AuditAction::PricesViewed, deed).await?;
        self.differences(&sheet, &self.succession().await?).await
    }

    /// Asks a second operator to publish a sheet or to withdraw it. What is done already is not asked for.
    ///
    /// # Errors
    /// [`OfficeError::ReasonRequired`]; [`OfficeError::Edition`] and [`OfficeError::Prices`] when it cannot
    /// be done; [`OfficeError::Approval`] with a conflict when the name stands for another wish; or what a
    /// store says.
    pub async fn decide_prices(&self, act: &Act, wish: PriceWish) -> Result<PriceDecided, OfficeError> {
        act.with_reason()?;
        let PriceWish { decision, name, consent } = wish;
        let Checked { done, after: _ } = self.check_prices(&decision).await?;
        let [requested, ..] = decision.actions();
        let deed = Deed {
            subject: Some(decision.version.into()),
            reference: Some(decision.digest.into()),
            ..Deed::default()
        };
        match (done, consent) {
            (Some(done), _) => {
                self.note(act, requested, deed).await?;
                Ok(PriceDecided::Done(done))
            }
            (None, Consent::Usual) => {
                let PriceDecision { step: _, version, digest } = decision;
                let name = format!("{}:{}:{digest}:{name}", requested.as_str(), version.0);
                let name = derive(uuid::Uuid::nil(), &name);
                let asked = self.ask(act, name, Matter::Prices(decision)).await?;
                Ok(PriceDecided::Asked(Box::new(asked)))
            }
            (None, Consent::BrokenGlass) => {
                let forced = match decision.step {
                    PriceStep::Publish => AuditAction::PricesForced,
                    PriceStep::Withdraw => AuditAction::PricesWithdrawalForced,
                };
                self.note(act, forced, deed).await?;
                Ok(PriceDecided::Done(self.change_prices(act, &decision).await?))
            }
        }
    }

    /// Whether something may become of a sheet now.
    pub(super) async fn check_prices(&self, decision: &PriceDecision) -> Result<Checked, OfficeError> {
        let PriceDecision { step, version, digest } = *decision;
        let file = self.edition(version).await?;
        let succession = self.succession().await?;
        let mark = EditionMark { by: AuditActor::System, at: self.parts.clock.now() };
        let tried = EditionStep { version, digest, mark };
        let after = succession.last();
        let others = succession.standing.iter().filter(|edition| edition.version != version);
        let all: Vec<_> = others.chain([&file.edition]).cloned().collect();
        let changed = match step {
            PriceStep::Publish => PriceEdition::published(&all, &tried, after),
            PriceStep::Withdraw => PriceEdition::withdrawn(&all, &tried),
        };
        if changed? == file.edition {
            return Ok(Checked { done: Some(file.edition), after });
        }
        if step == PriceStep::Publish {
            let sheet = file.sheet().map_err(PriceFault::Sheet)?;
            self.check_sheet(&sheet, &succession).await?;
        }
        Ok(Checked { done: None, after })
    }

    /// Publishes a sheet, or withdraws it; done again it is the same.
    pub(super) async fn change_prices(
        &self,
        act: &Act,
        decision: &PriceDecision,
    ) -> Result<PriceEdition, OfficeError> {
        let Checked { done, after } = self.check_prices(decision).await?;
        if let Some(done) = done {
            return Ok(done);
        }
        let PriceDecision { step, version, digest } = *decision;
        let mark = EditionMark { by: act.actor.clone(), at: self.parts.clock.now() };
        let taken = EditionStep { version, digest, mark };
        let editions = &self.parts.price_editions;
        match step {
            PriceStep::Publish => Ok(editions.publish(taken, after).await?),
            PriceStep::Withdraw => Ok(editions.withdraw(taken).await?),
        }
    }

    /// Whether a sheet may follow those that were published: its day is not over, it is later than theirs,
    /// it has what the duet chooses from, and people hear in time of what it takes from them.
    async fn check_sheet(&self, sheet: &PriceSheet, succession: &Succession) -> Result<(), OfficeError> {
        let now = self.parts.clock.now();
        if sheet.effective_from.plus(DAY) <= now {
            return Err(PriceFault::Past.into());
        }
        let last = self.sheet_of(succession.last(), succession).await?;
        if sheet.version <= last.version {
            return Err(PriceFault::NotLater { last: last.version }.into());
        }
        let soonest = now.plus(NOTICE_PERIOD);
        let counts_from = sheet.effective_from.max(now.plus(TAKE_OVER));
        let needed: BTreeSet<&ModelId> =
            self.parts.duet.unsold(sheet, counts_from).map(|(_role, model)| model).collect();
        if !needed.is_empty() {
            return Err(PriceFault::Needed { models: listed(needed) }.into());
        }
        if counts_from >= soonest {
            return Ok(());
        }
        // A model may end by a date of its own, too.
        let moments = [counts_from, soonest].map(|at| PriceChanges::between(&last, sheet, at));
        let taken =
            moments.into_iter().flat_map(|changes| changes.raised.into_iter().chain(changes.withdrawn));
        let models: BTreeSet<ModelId> = taken.collect();
        if models.is_empty() {
            return Ok(());
        }
        Err(PriceFault::TooSoon { models: listed(&models) }.into())
    }

    async fn succession(&self) -> Result<Succession, OfficeError> {
        let standing = self.parts.price_editions.standing(EDITIONS).await?;
        Ok(Succession { standing, first: Arc::clone(&self.parts.first_prices) })
    }

    async fn edition(&self, version: PriceVersion) -> Result<EditionFile, OfficeError> {
        let found = self.parts.price_editions.find(version).await?;
        Ok(found.ok_or(EditionError::NotFound { version })?)
    }

    /// The sheet of an edition, or the first one.
    async fn sheet_of(
        &self,
        version: Option<PriceVersion>,
        succession: &Succession,
    ) -> Result<Arc<PriceSheet>, OfficeError> {
        let Some(version) = version else { return Ok(Arc::clone(&succession.first)) };
        let sheet = self.edition(version).await?.sheet();
        Ok(Arc::new(sheet.map_err(PriceFault::Sheet)?))
    }

    async fn review(&self, file: EditionFile, succession: &Succession) -> Result<PriceReview, OfficeError> {
        let sheet = file.sheet().map_err(PriceFault::Sheet)?;
        let differences = self.differences(&sheet, succession).await?;
        let told = self.parts.publications.progress(&sheet.version.news()).await?.told;
        let EditionFile { edition, text } = file;
        let file = succession.file(edition, self.parts.clock.now());
        Ok(PriceReview { file, text, told, differences })
    }

    /// What a sheet changes against the one that is in force.
    async fn differences(
        &self,
        sheet: &PriceSheet,
        succession: &Succession,
    ) -> Result<Vec<PriceDifference>, OfficeError> {
        let now = self.parts.clock.now();
        let in_force = self.sheet_of(succession.in_force(now), succession).await?;
        Ok(PriceDifference::between(&in_force, sheet, sheet.effective_from.max(now)))
    }
}

/// Names of models in one line.
fn listed<'a>(models: impl IntoIterator<Item = &'a ModelId>) -> String {
    models.into_iter().map(ModelId::as_str).collect::<Vec<_>>().join(", ")
}

impl PriceDecision {
    /// What the audit log calls it to ask for this, to grant it, and to refuse it.
    pub(super) const fn actions(&self) -> [AuditAction; 3] {
        match self.step {
            PriceStep::Publish => {
                [AuditAction::PricesRequested, AuditAction::PricesPublished, AuditAction::PricesRefused]
            }
            PriceStep::Withdraw => [
                AuditAction::PricesWithdrawalRequested,
                AuditAction::PricesWithdrawn,
                AuditAction::PricesWithdrawalRefused,
            ],
        }
    }
}
