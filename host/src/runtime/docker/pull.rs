//! How far the pull of an image is, from what the engine tells of its layers.

use bollard::models::CreateImageInfo;
use std::collections::BTreeMap;

/// Most layers that are counted; an image has no more than half as many.
const MOST_LAYERS: usize = 256;

/// The layers of one pull.
#[derive(Debug, Default)]
pub(super) struct Progress {
    layers: BTreeMap<String, Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    bytes: u64,
    of: u64,
    done: bool,
}

impl Progress {
    /// Take what the engine tells.
    pub(super) fn take(&mut self, news: CreateImageInfo) {
        let (Some(id), Some(status)) = (news.id, news.status) else { return };
        // The image itself is told of in the same way, with its tag in place of a layer.
        if status.starts_with("Pulling from") {
            return;
        }
        if self.layers.len() >= MOST_LAYERS && !self.layers.contains_key(&id) {
            return;
        }
        let layer = self.layers.entry(id).or_default();
        match status.as_str() {
            "Already exists" | "Pull complete" => layer.done = true,
            "Download complete" => layer.bytes = layer.of,
            "Downloading" => {
                let known = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok());
                let detail = news.progress_detail.unwrap_or_default();
                layer.bytes = known(detail.current).unwrap_or(layer.bytes);
                layer.of = known(detail.total).unwrap_or(layer.of);
            }
            _ => {}
        }
    }

    /// How far it is, for a person.
    pub(super) fn line(&self) -> String {
        let done = self.layers.values().filter(|layer| layer.done).count();
        let sum = |of: fn(&Layer) -> u64| self.layers.values().map(of).fold(0, u64::saturating_add);
        let (bytes, of) = (sum(|layer| layer.bytes), sum(|layer| layer.of));
        let mut line = format!("{done} of {} layers", self.layers.len());
        if of > 0 {
            let percent = u128::from(bytes.min(of)) * 100 / u128::from(of);
            line.push_str(&format!(", {percent} % of {:.1} MB", of as f64 / 1e6));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::ProgressDetail;

    fn news(id: &str, status: &str, bytes: Option<(i64, i64)>) -> CreateImageInfo {
        CreateImageInfo {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            progress_detail: bytes.map(|(current, total)| ProgressDetail {
                current: Some(current),
                total: Some(total),
            }),
            ..CreateImageInfo::default()
        }
    }

    #[test]
    fn layers_are_counted_and_their_bytes_added() {
        let mut progress = Progress::default();
        assert_eq!(progress.line(), "0 of 0 layers");
        progress.take(news("1.36", "Pulling from library/busybox", None));
        progress.take(news("a", "Already exists", None));
        for id in ["b", "c"] {
            progress.take(news(id, "Pulling fs layer", None));
        }
        progress.take(news("b", "Downloading", Some((250_000, 1_000_000))));
        progress.take(news("c", "Downloading", Some((1_000_000, 3_000_000))));
        assert_eq!(progress.line(), "1 of 3 layers, 31 % of 4.0 MB");
        progress.take(news("b", "Download complete", None));
        progress.take(news("b", "Pull complete", None));
        assert_eq!(progress.line(), "2 of 3 layers, 50 % of 4.0 MB");
    }

    #[test]
    fn an_engine_that_tells_nonsense_is_survived() {
        let mut progress = Progress::default();
        for id in 0..10_000 {
            progress.take(news(&id.to_string(), "Downloading", Some((-1, i64::MAX))));
        }
        progress.take(CreateImageInfo::default());
        assert_eq!(progress.layers.len(), MOST_LAYERS);
        assert!(progress.line().starts_with("0 of 256 layers, 0 %"));
    }
}
