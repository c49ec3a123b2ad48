//! Families as text, for Prometheus (text format 0.0.4) and for those who ask for OpenMetrics 1.0.

use super::families::{Family, Kind, Sample};
use std::borrow::Cow;
use std::fmt::Write as _;

/// How the text is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Exposition {
    /// <https://prometheus.io/docs/instrumenting/exposition_formats>
    #[default]
    Prometheus,
    /// <https://github.com/prometheus/OpenMetrics>
    OpenMetrics,
}

impl Exposition {
    /// What somebody who accepts these types of content is given.
    pub fn accepted(accept: &str) -> Self {
        match accept.contains("application/openmetrics-text") {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// The type of the content.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Families as text.
    pub fn write(self, families: &[Family]) -> String {
        let mut text = String::new();
        for family in families {
            self.family(&mut text, family);
        }
        if self == Self::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }

    fn family(self, text: &mut String, family: &Family) {
        let (kind, suffix) = match family.kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
        };
        let name = family.name;
        // To OpenMetrics the suffix belongs to the sample, to Prometheus to the name.
        let title = if self == Self::OpenMetrics { "" } else { suffix };
        let help = escaped(family.help, self == Self::OpenMetrics);
        let _infallible = writeln!(text, "# HELP {name}{title} {help}");
        let _infallible = writeln!(text, "# TYPE {name}{title} {kind}");
        for sample in &family.samples {
            let _infallible = writeln!(text, "{name}{suffix}{} {}", labels(sample), sample.value);
        }
    }
}

fn labels(sample: &Sample) -> String {
    if sample.labels.is_empty() {
        return String::new();
    }
    let label = |(name, value): &(&str, String)| format!("{name}=\"{}\"", escaped(value, true));
    format!("{{{}}}", sample.labels.iter().map(label).collect::<Vec<_>>().join(","))
}

fn escaped(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains(['\\', '\n', '"']) {
        return text.into();
    }
    let text = text.replace('\\', r"\\").replace('\n', r"\n");
    if quotes { text.replace('"', "\\\"").into() } else { text.into() }
}
