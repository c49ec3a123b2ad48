//! Where a model runs: on which device, and on how many threads.

use super::{LoadError, Options};

/// The processor, which every backend has.
pub const CPU: &str = "cpu";

/// Where a model runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placement {
    /// The device.
    pub device: String,
    /// Threads that share the work of a prediction.
    pub threads: u32,
}

impl Default for Placement {
    /// The processor, one thread.
    fn default() -> Self {
        Self { device: CPU.to_owned(), threads: 1 }
    }
}

impl Options {
    /// The device that is asked for, out of those that are `there`.
    ///
    /// # Errors
    /// It is not among them.
    pub fn device_among<'a>(&self, there: &[&'a str]) -> Result<&'a str, LoadError> {
        let wanted = self.device.as_deref().unwrap_or(CPU);
        there.iter().copied().find(|device| *device == wanted).ok_or_else(|| LoadError::NoDevice {
            wanted: wanted.chars().take(100).collect(),
            there: there.join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_named_with_those_that_are() {
        let on = |device: &str| Options { device: Some(device.to_owned()), ..Options::default() };
        assert_eq!(Options::default().device_among(&[CPU, "cuda"]).unwrap(), CPU);
        assert_eq!(on("cuda").device_among(&[CPU, "cuda"]).unwrap(), "cuda");
        let error = on("abacus").device_among(&[CPU, "cuda"]).unwrap_err().to_string();
        assert_eq!(error, "there is no device `abacus` for it here; there is cpu, cuda");
    }
}
