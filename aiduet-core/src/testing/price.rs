//! What every [`PriceBook`] must do.

use crate::clock::Timestamp;
use crate::price::{PriceBook, PriceError, PriceSheet, PriceVersion};

/// The embedded prices as they are written, in force from midnight UTC of a day such as `2026-01-01`.
pub fn text_from(day: &str) -> String {
    let embedded = include_str!("../../data/prices.json");
    embedded.replacen('{', &format!("{{\"effective_from\": \"{day}\","), 1)
}

/// The same with every price of tokens so many times as high.
///
/// # Panics
/// If the embedded prices are not as they should be.
pub fn multiplied_text_from(day: &str, factor: u64) -> String {
    fn multiply(value: &mut serde_json::Value, factor: u64) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str() {
                        Some(price) if name.ends_with("_per_mtok") => *member = times(price, factor).into(),
                        _ => multiply(member, factor),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| multiply(item, factor)),
            _ => {}
        }
    }
    let mut sheet = serde_json::from_str(&text_from(day)).expect("the embedded prices are JSON");
    multiply(&mut sheet, factor);
    sheet.to_string()
}

/// A decimal with at most six places, multiplied.
fn times(price: &str, factor: u64) -> String {
    let (whole, fraction) = price.split_once('.').unwrap_or((price, ""));
    let micros: u64 = format!("{whole}{fraction:0<6}").parse().expect("a price is a decimal");
    let micros = micros * factor;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The same prices, read.
///
/// # Panics
/// If the day is not a date.
pub fn sheet_from(day: &str) -> PriceSheet {
    PriceSheet::from_json(&text_from(day)).expect("the embedded prices are valid on every day")
}

/// Midnight UTC of a day such as `2026-01-01`.
///
/// # Panics
/// If the day is not a date.
pub fn midnight(day: &str) -> Timestamp {
    sheet_from(day).effective_from
}

/// Three sheets, on the first day of three months.
fn three_months() -> Vec<PriceSheet> {
    ["2026-01-01", "2026-02-01", "2026-03-01"].map(sheet_from).into()
}

async fn version_at(book: &impl PriceBook, millis: i64) -> Result<PriceVersion, PriceError> {
    book.sheet(Timestamp::from_millis(millis)).await.map(|sheet| sheet.version)
}

async fn upcoming_after(book: &impl PriceBook, millis: i64) -> Vec<u32> {
    let sheets = book.upcoming(Timestamp::from_millis(millis)).await.expect("the book is available");
    sheets.iter().map(|sheet| sheet.version.0).collect()
}

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn(Vec<PriceSheet>) -> impl PriceBook` that makes a new book which
/// holds these sheets, in ascending order of their dates. The tests run on `tokio::test`.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryPriceBook;
/// use aiduet_core::price::PriceSheet;
///
/// async fn my_price_book(sheets: Vec<PriceSheet>) -> MemoryPriceBook {
///     let mut sheets = sheets.into_iter();
///     let first = sheets.next().unwrap();
///     let now = first.effective_from;
///     let book = MemoryPriceBook::new(first);
///     for sheet in sheets {
///         book.publish(sheet, now).unwrap();
///     }
///     book
/// }
///
/// aiduet_core::price_book_conformance!(my_price_book);
/// ```
#[macro_export]
macro_rules! price_book_conformance {
    ($new_book:path) => {
        $crate::price_book_conformance! {
            @cases $new_book:
            before_the_first_sheet_there_is_none
            a_sheet_is_in_force_from_its_first_moment_until_the_next
            the_last_sheet_stays_in_force
            upcoming_sheets_come_soonest_first
            a_sheet_that_is_in_force_is_not_upcoming
            a_sheet_holds_the_prices_it_was_published_with
        }
    };
    (@cases $new_book:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::testing::price::$case($new_book).await;
            }
        )+
    };
}

/// No sheet applies to a moment before the first.
pub async fn before_the_first_sheet_there_is_none<B: PriceBook>(
    new_book: impl AsyncFn(Vec<PriceSheet>) -> B,
) {
    let book = new_book(three_months()).await;
    let first = midnight("2026-01-01").millis();
    for millis in [i64::MIN, 0, first - 1] {
        assert!(matches!(version_at(&book, millis).await, Err(PriceError::NoSheet)), "{millis}");
    }
}

/// Dates are inclusive, and there is no gap.
pub async fn a_sheet_is_in_force_from_its_first_moment_until_the_next<B: PriceBook>(
    new_book: impl AsyncFn(Vec<PriceSheet>) -> B,
) {
    let book = new_book(three_months()).await;
    let (first, second) = (midnight("2026-01-01").millis(), midnight("2026-02-01").millis());
    for (millis, version) in [
        (first, 20_260_101),
        (second - 1, 20_260_101),
        (second, 20_260_201),
        (midnight("2026-03-01").millis() - 1, 20_260_201),
    ] {
        assert_eq!(version_at(&book, millis).await.ok(), Some(PriceVersion(version)), "{millis}");
    }
}

/// The last sheet has no end.
pub async fn the_last_sheet_stays_in_force<B: PriceBook>(new_book: impl AsyncFn(Vec<PriceSheet>) -> B) {
    let book = new_book(three_months()).await;
    for millis in [midnight("2026-03-01").millis(), midnight("2036-03-01").millis()] {
        assert_eq!(version_at(&book, millis).await.ok(), Some(PriceVersion(20_260_301)), "{millis}");
    }
}

/// Later sheets are listed in the order in which they come into force.
pub async fn upcoming_sheets_come_soonest_first<B: PriceBook>(new_book: impl AsyncFn(Vec<PriceSheet>) -> B) {
    let book = new_book(three_months()).await;
    assert_eq!(upcoming_after(&book, 0).await, [20_260_101, 20_260_201, 20_260_301]);
    assert_eq!(upcoming_after(&book, midnight("2026-01-15").millis()).await, [20_260_201, 20_260_301]);
}

/// From its first moment on a sheet is in force and no longer upcoming.
pub async fn a_sheet_that_is_in_force_is_not_upcoming<B: PriceBook>(
    new_book: impl AsyncFn(Vec<PriceSheet>) -> B,
) {
    let book = new_book(three_months()).await;
    let last = midnight("2026-03-01").millis();
    assert_eq!(upcoming_after(&book, last - 1).await, [20_260_301]);
    assert_eq!(upcoming_after(&book, last).await, [0_u32; 0]);
}

/// The models and prices come out as they went in.
pub async fn a_sheet_holds_the_prices_it_was_published_with<B: PriceBook>(
    new_book: impl AsyncFn(Vec<PriceSheet>) -> B,
) {
    let book = new_book(three_months()).await;
    for published in three_months() {
        let held = book.sheet(published.effective_from).await.expect("a sheet is in force");
        assert_eq!(held.models, published.models);
        let dated = |sheet: &PriceSheet| sheet.find("gpt-5.6-2026-07-01").map(|model| model.id.clone());
        assert_eq!(dated(&held), dated(&published));
    }
}
