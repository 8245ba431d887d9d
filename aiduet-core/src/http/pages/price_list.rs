//! The price list as people read it.

use crate::app::App;
use crate::money::Money;
use crate::price::{PriceError, PricedModel, Rate, Rates};

/// Basis points of the whole.
const WHOLE: i64 = 10_000;
/// A pico-USD per token is 1,000 nano-USD per million tokens.
const NANOS_PER_MILLION: i64 = 1_000;

/// Every model with its prices.
pub(super) struct PriceList {
    pub(super) version: u32,
    pub(super) valid_from: String,
    /// What is charged of the provider's price, in percent; `None`: all of it.
    pub(super) margin: Option<String>,
    pub(super) models: Vec<Row>,
}

/// One model: USD per million tokens.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) provider: &'static str,
    pub(super) context: String,
    pub(super) max_output: String,
    pub(super) input: String,
    pub(super) cache_read: String,
    pub(super) cache_write: String,
    pub(super) output: String,
    /// The prompt size above which more is charged.
    pub(super) tier: Option<String>,
    /// By which models are compared.
    output_pico: Option<u64>,
}

/// Models of each provider on the first page.
const EXCERPT: usize = 3;

impl PriceList {
    /// Those that have a text in their name.
    pub(super) fn named(mut self, wanted: &str) -> Self {
        let wanted = wanted.trim().to_lowercase();
        self.models.retain(|row| row.id.contains(&wanted));
        self
    }

    /// For each provider the dearest model that generates text, the one in the middle, and the cheapest.
    pub(super) fn excerpt(self) -> Vec<Row> {
        let mut providers: Vec<(&str, Vec<Row>)> = Vec::new();
        for row in self.models.into_iter().filter(|row| row.output_pico.is_some()) {
            match providers.iter_mut().find(|(name, _rows)| *name == row.provider) {
                Some((_name, rows)) => rows.push(row),
                None => providers.push((row.provider, vec![row])),
            }
        }
        let few = |(_name, mut rows): (&str, Vec<Row>)| {
            rows.sort_by_key(|row| std::cmp::Reverse(row.output_pico));
            let last = rows.len() - 1;
            let places = [0, last / 2, last];
            let chosen = rows.into_iter().enumerate().filter(move |(place, _row)| places.contains(place));
            chosen.map(|(_place, row)| row).take(EXCERPT).collect::<Vec<_>>()
        };
        providers.into_iter().flat_map(few).collect()
    }

    /// As comma-separated values.
    pub(super) fn csv(&self) -> String {
        let mut text =
            "model,provider,input,cached_input,cache_write,output,context,max_output\r\n".to_owned();
        for row in &self.models {
            let Row { id, provider, context, max_output, input, cache_read, cache_write, output, .. } = row;
            let cells = [id, *provider, input, cache_read, cache_write, output, context, max_output];
            // Names and numbers: no cell needs quotes, once numbers have no commas.
            let plain = cells.map(|cell| if cell == "–" { String::new() } else { cell.replace(',', "") });
            text.push_str(&plain.join(","));
            text.push_str("\r\n");
        }
        text
    }
}

/// The prices of this moment, by provider and name.
///
/// # Errors
/// [`PriceError`].
pub(super) async fn price_list(app: &App) -> Result<PriceList, PriceError> {
    let now = app.clock().now();
    let sheet = app.prices().sheet(now).await?;
    let margin = i64::from(app.gateway().margin().0);
    let vendors: Vec<_> = app.gateway().vendors().collect();
    let is_sold = |model: &&std::sync::Arc<PricedModel>| {
        vendors.contains(&model.vendor) && model.retires_at.is_none_or(|at| now < at)
    };
    let mut models: Vec<_> = sheet.models.values().filter(is_sold).collect();
    models.sort_by(|a, b| (a.vendor, &a.id).cmp(&(b.vendor, &b.id)));
    Ok(PriceList {
        version: sheet.version.0,
        valid_from: sheet.effective_from.to_string().split('T').next().unwrap_or_default().to_owned(),
        margin: (margin != WHOLE).then(|| format!("{}.{:02} %", margin / 100, margin % 100)),
        models: models.into_iter().map(|model| row(model, margin)).collect(),
    })
}

fn row(model: &PricedModel, margin: i64) -> Row {
    let Rates { input, cache_read, cache_write_short, cache_write_long: _, output } = model.standard.base;
    // A class without a rate of its own costs what input costs.
    let price = |rate: Option<Rate>| rate.map_or_else(|| "–".to_owned(), |rate| per_million(rate, margin));
    let tokens = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), grouped);
    Row {
        id: model.id.to_string(),
        provider: super::title(model.vendor),
        context: tokens(model.limits.context_window.or(model.limits.max_input)),
        max_output: tokens(model.limits.max_output),
        input: price(Some(input)),
        cache_read: price(cache_read.or(Some(input))),
        cache_write: price(cache_write_short.or(Some(input))),
        output: price(output),
        tier: model.standard.tiers.first().map(|tier| grouped(tier.above_prompt_tokens)),
        output_pico: output.map(Rate::pico),
    }
}

/// USD for a million tokens, exact, with two decimals at least.
fn per_million(rate: Rate, margin: i64) -> String {
    let nanos =
        i128::from(rate.pico()) * i128::from(NANOS_PER_MILLION) * i128::from(margin) / i128::from(WHOLE);
    let text = Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)).to_string();
    let Some((whole, decimals)) = text.split_once('.') else { return text };
    let kept = decimals.trim_end_matches('0').len().max(2);
    format!("{whole}.{}", decimals.get(..kept).unwrap_or(decimals))
}

/// `200,000`
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_and_numbers_can_be_read() {
        for (pico, margin, text) in [
            (1_250_000, WHOLE, "1.25"),
            (75_000, WHOLE, "0.075"),
            (5_000_000, WHOLE, "5.00"),
            (1_250_000, 10_500, "1.3125"),
            (0, WHOLE, "0.00"),
        ] {
            assert_eq!(per_million(Rate::from_pico(pico), margin), text);
        }
        assert_eq!([0, 999, 1_000, 1_000_000].map(grouped), ["0", "999", "1,000", "1,000,000"]);
    }
}
