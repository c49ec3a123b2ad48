//! Metrics of components.

use serde::de::{Deserialize, Deserializer, Error};

shapes! {
    /// Report metrics.
    pub struct PutComponentMetricRequest {
        /// Them.
        pub metrics: Vec<Metric>,
    }

    /// The report is taken.
    pub struct PutComponentMetricResponse {}

    /// A metric.
    pub struct Metric {
        /// Its name.
        pub name: String,
        /// Its unit; read without regard to case, `_` and other signs.
        #[serde(deserialize_with = "unit")]
        pub unit: MetricUnitType,
        /// Its value.
        pub value: f64,
    }
}

words! {
    /// The unit of a metric.
    pub enum MetricUnitType {
        /// Bytes.
        Bytes = "BYTES",
        /// Bytes a second.
        BytesPerSecond = "BYTES_PER_SECOND",
        /// A number of things.
        Count = "COUNT",
        /// A number of things a second.
        CountPerSecond = "COUNT_PER_SECOND",
        /// Megabytes.
        Megabytes = "MEGABYTES",
        /// Seconds.
        Seconds = "SECONDS",
    }
}

fn unit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MetricUnitType, D::Error> {
    let plain = |word: &str| -> String {
        word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    };
    let word = String::deserialize(deserializer)?;
    let found = MetricUnitType::ALL.iter().find(|unit| plain(unit.as_str()) == plain(&word));
    found.copied().ok_or_else(|| D::Error::custom(format_args!("there is no unit `{word}`")))
}
