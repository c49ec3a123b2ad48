//! Metrics that components report of themselves: sums, from start to now.

pub(crate) mod ipc;

use super::caller::{Caller, Operation};
use crate::error::{Error, Result};
use gg_model::ComponentName;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a name.
const LONGEST_NAME: usize = 32;

/// Metrics of one component.
const MOST: usize = 256;

/// The one component that needs no policy for it.
const STREAM_MANAGER: &str = "aws.greengrass.StreamManager";

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its unit, in Greengrass's word.
    pub unit: &'static str,
    /// The value.
    pub value: f64,
}

/// What is known of one component's metrics: the sum of each name and unit.
pub type Sums = BTreeMap<(String, &'static str), f64>;

/// The components' metrics. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<BTreeMap<ComponentName, Sums>>>);

impl Metrics {
    /// Add values, all of them or none.
    ///
    /// # Errors
    /// Unauthorized; no value, a name or value that breaks a rule, or too many names.
    pub fn put(&self, caller: &Caller, metrics: &[Metric]) -> Result<()> {
        // As in Greengrass, whatever a policy says.
        if !caller.name().as_str().starts_with("aws.") {
            return Err(Error::unauthorized(format!(
                "{} is not authorized to report metrics: only components whose name begins with \
                 `aws.` do",
                caller.name()
            )));
        }
        if metrics.is_empty() {
            return Err(Error::invalid("there is no metric in the request"));
        }
        for metric in metrics {
            check(metric)?;
            if caller.name().as_str() != STREAM_MANAGER {
                caller.authorize(Operation::PutComponentMetric, &metric.name)?;
            }
        }
        let mut all = self.lock();
        let sums = all.entry(caller.name().clone()).or_default();
        let new = metrics.iter().filter(|one| !sums.contains_key(&(one.name.clone(), one.unit)));
        if sums.len() + new.count() > MOST {
            return Err(Error::unavailable(format!("a component has {MOST} metrics at most")));
        }
        for Metric { name, unit, value } in metrics {
            *sums.entry((name.clone(), unit)).or_default() += value;
        }
        Ok(())
    }

    /// A component's sums.
    pub fn of(&self, component: &ComponentName) -> Sums {
        self.lock().get(component).cloned().unwrap_or_default()
    }

    /// A component is not here any more.
    pub fn forget(&self, component: &ComponentName) {
        self.lock().remove(component);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ComponentName, Sums>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(metric: &Metric) -> Result<()> {
    let Metric { name, value, .. } = metric;
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(Error::invalid(format!("a metric's name has 1 to {LONGEST_NAME} bytes")));
    }
    if !value.is_finite() || *value < 0.0 {
        return Err(Error::invalid(format!("the metric {name} has the value {value}, below 0")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::testing::{granted, nobody};
    use crate::error::ErrorKind;

    fn metric(name: &str, value: f64) -> Metric {
        Metric { name: name.to_owned(), unit: "COUNT", value }
    }

    #[test]
    fn without_a_policy_nothing_is_reported() {
        let metrics = Metrics::default();
        let others = granted("com.example.A", Operation::PutComponentMetric, "*");
        for caller in [nobody("aws.example.A"), others] {
            let error = metrics.put(&caller, &[metric("m", 1.0)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
        }
        metrics.put(&nobody(STREAM_MANAGER), &[metric("m", 1.0)]).unwrap();
    }

    #[test]
    fn values_are_summed_and_one_bad_one_refuses_all() {
        let metrics = Metrics::default();
        let a = granted("aws.example.A", Operation::PutComponentMetric, "m*");
        metrics.put(&a, &[metric("m", 1.0), metric("m", 2.5)]).unwrap();
        let long = "m".repeat(LONGEST_NAME + 1);
        for bad in [metric("", 1.0), metric(&long, 1.0), metric("m", -1.0), metric("m", f64::NAN)] {
            let error = metrics.put(&a, &[metric("m", 1.0), bad]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
        assert!(metrics.put(&a, &[metric("m", 1.0), metric("other", 1.0)]).is_err());
        assert!(metrics.put(&a, &[]).is_err());
        let many: Vec<Metric> = (0..=MOST).map(|n| metric(&format!("m{n}"), 1.0)).collect();
        assert_eq!(metrics.put(&a, &many).unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(metrics.of(a.name()), Sums::from([(("m".to_owned(), "COUNT"), 3.5)]));
        metrics.forget(a.name());
        assert_eq!(metrics.of(a.name()), Sums::new());
    }
}
