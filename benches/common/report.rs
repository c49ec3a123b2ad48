//! Rows of a benchmark's table. Ours and the peer are measured in turn, so that what else the
//! machine does meets both; the ratio is the median of the rounds' ratios.

use serde_json::{Value, json};
use std::fmt::Write as _;

/// What a row is to come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Aim {
    /// Ours over the peer's, at most.
    pub(crate) ratio_at_most: Option<f64>,
    /// Ours over the peer's, at least.
    pub(crate) ratio_at_least: Option<f64>,
    /// Ours, at most.
    pub(crate) at_most: Option<f64>,
    /// Ours, at least.
    pub(crate) at_least: Option<f64>,
}

impl Aim {
    /// None: the row explains another.
    pub(crate) const NONE: Self =
        Self { ratio_at_most: None, ratio_at_least: None, at_most: None, at_least: None };

    /// Ours over the peer's is at most this.
    pub(crate) const fn ratio_at_most(ratio: f64) -> Self {
        Self { ratio_at_most: Some(ratio), ..Self::NONE }
    }

    /// Ours over the peer's is at least this.
    pub(crate) const fn ratio_at_least(ratio: f64) -> Self {
        Self { ratio_at_least: Some(ratio), ..Self::NONE }
    }

    /// Ours is at most this.
    pub(crate) const fn at_most(value: f64) -> Self {
        Self { at_most: Some(value), ..Self::NONE }
    }

    /// Ours is at least this.
    pub(crate) const fn at_least(value: f64) -> Self {
        Self { at_least: Some(value), ..Self::NONE }
    }

    /// Both.
    pub(crate) const fn and_at_most(self, value: f64) -> Self {
        Self { at_most: Some(value), ..self }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: String,
    /// Of the values.
    pub(crate) unit: String,
    /// A value for each round.
    pub(crate) ours: Vec<f64>,
    /// Of the same rounds; empty without a peer.
    pub(crate) peer: Vec<f64>,
    /// What it is to come to.
    pub(crate) aim: Aim,
    /// What else there is to say, such as messages that were dropped.
    pub(crate) note: String,
}

impl Row {
    /// A row without a peer's values or a note.
    pub(crate) fn new(name: impl Into<String>, unit: &str, ours: Vec<f64>, aim: Aim) -> Self {
        Self {
            name: name.into(),
            unit: unit.to_owned(),
            ours,
            peer: Vec::new(),
            aim,
            note: String::new(),
        }
    }

    /// The peer's values of the same rounds.
    pub(crate) fn beside(mut self, peer: Vec<f64>) -> Self {
        self.peer = peer;
        self
    }

    /// Something else to say.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The median of the rounds' ratios.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let ratios: Vec<f64> =
            self.ours.iter().zip(&self.peer).map(|(ours, peer)| ours / peer).collect();
        (!ratios.is_empty()).then(|| median(&ratios))
    }

    /// Whether the row comes to what it should; `None` without an aim, or without its peer.
    pub(crate) fn met(&self) -> Option<bool> {
        let Aim { ratio_at_most, ratio_at_least, at_most, at_least } = self.aim;
        if self.aim == Aim::NONE {
            return None;
        }
        let ours = median(&self.ours);
        let mut met = at_most.is_none_or(|most| ours <= most);
        met &= at_least.is_none_or(|least| ours >= least);
        if ratio_at_most.is_some() || ratio_at_least.is_some() {
            let ratio = self.ratio()?;
            met &= ratio_at_most.is_none_or(|most| ratio <= most);
            met &= ratio_at_least.is_none_or(|least| ratio >= least);
        }
        Some(met)
    }

    /// For another program.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "peer": self.peer,
            "ratio": self.ratio(),
            "ratioAtMost": self.aim.ratio_at_most,
            "ratioAtLeast": self.aim.ratio_at_least,
            "atMost": self.aim.at_most,
            "atLeast": self.aim.at_least,
            "met": self.met(),
            "note": self.note,
        })
    }

    /// What [`Row::to_json`] gave.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| Some(value[key].as_str()?.to_owned());
        let numbers =
            |key: &str| Some(value[key].as_array()?.iter().filter_map(Value::as_f64).collect());
        Some(Self {
            name: text("name")?,
            unit: text("unit")?,
            ours: numbers("ours")?,
            peer: numbers("peer")?,
            aim: Aim {
                ratio_at_most: value["ratioAtMost"].as_f64(),
                ratio_at_least: value["ratioAtLeast"].as_f64(),
                at_most: value["atMost"].as_f64(),
                at_least: value["atLeast"].as_f64(),
            },
            note: text("note")?,
        })
    }

    fn aim_text(&self) -> String {
        let Aim { ratio_at_most, ratio_at_least, at_most, at_least } = self.aim;
        let parts = [
            ratio_at_most.map(|ratio| format!("<= {ratio}x")),
            ratio_at_least.map(|ratio| format!(">= {ratio}x")),
            at_most.map(|value| format!("<= {} {}", number(value), self.unit)),
            at_least.map(|value| format!(">= {} {}", number(value), self.unit)),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// The table, in Markdown: values are median (least to greatest).
pub(crate) fn table(rows: &[Row]) -> String {
    let header = ["what", "ours", "peer", "ratio", "aim", "met?"].map(str::to_owned);
    let mut lines = vec![header];
    for row in rows {
        let met = match row.met() {
            None => "",
            Some(true) => "yes",
            Some(false) => "NO",
        };
        let ratio = row.ratio().map(|ratio| format!("{ratio:.2}x")).unwrap_or_default();
        let name = if row.note.is_empty() {
            row.name.clone()
        } else {
            format!("{} ({})", row.name, row.note)
        };
        lines.push([
            name,
            values(&row.ours, &row.unit),
            values(&row.peer, &row.unit),
            ratio,
            row.aim_text(),
            met.to_owned(),
        ]);
    }
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(widths) {
            let _infallible = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in widths {
                let _infallible = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn values(values: &[f64], unit: &str) -> String {
    if values.is_empty() {
        return String::new();
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let middle = number(median(values));
    match values.len() {
        1 => format!("{middle} {unit}"),
        _ => format!("{middle} {unit} ({} to {})", number(least), number(most)),
    }
}

/// Three digits are enough.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e4 => format!("{:.0} k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The value that so many percent of all do not exceed.
pub(crate) fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (percent / 100.0 * (sorted.len().saturating_sub(1)) as f64).round();
    sorted.get(place as usize).copied().unwrap_or(f64::NAN)
}
