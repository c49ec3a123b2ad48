//! How a job is given to things, and when it is taken back (AWS IoT API reference,
//! `JobExecutionsRolloutConfig`, `AbortConfig`, `TimeoutConfig`).

use crate::registry::Refusal;
use crate::registry::jobs::{AbortCriterion, Each, FASTEST, Growth, Rollout, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::services) struct TimeoutConfig {
    pub(in crate::services) in_progress_timeout_in_minutes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::services) struct RolloutConfig {
    maximum_per_minute: Option<u64>,
    exponential_rate: Option<ExponentialRate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::services) struct ExponentialRate {
    base_rate_per_minute: u64,
    increment_factor: f64,
    rate_increase_criteria: RateIncrease,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::services) enum RateIncrease {
    NumberOfNotifiedThings(u64),
    NumberOfSucceededThings(u64),
}

impl RolloutConfig {
    pub(in crate::services) fn read(self) -> Rollout {
        let growth = self.exponential_rate.map(|rate| Growth {
            base: rate.base_rate_per_minute,
            factor: rate.increment_factor,
            each: match rate.rate_increase_criteria {
                RateIncrease::NumberOfNotifiedThings(number) => Each::Notified(number),
                RateIncrease::NumberOfSucceededThings(number) => Each::Succeeded(number),
            },
        });
        Rollout { most: self.maximum_per_minute.unwrap_or(FASTEST), growth }
    }

    pub(in crate::services) fn show(rollout: &Rollout) -> Value {
        let mut shape = json!({ "maximumPerMinute": rollout.most });
        if let Some(Growth { base, factor, each }) = &rollout.growth {
            let criteria = match each {
                Each::Notified(number) => json!({ "numberOfNotifiedThings": number }),
                Each::Succeeded(number) => json!({ "numberOfSucceededThings": number }),
            };
            shape["exponentialRate"] = json!({
                "baseRatePerMinute": base,
                "incrementFactor": factor,
                "rateIncreaseCriteria": criteria,
            });
        }
        shape
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::services) struct AbortConfig {
    pub(in crate::services) criteria_list: Vec<AbortCriteria>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::services) struct AbortCriteria {
    failure_type: String,
    action: String,
    threshold_percentage: f64,
    min_number_of_executed_things: u64,
}

impl AbortCriteria {
    pub(in crate::services) fn read(self) -> Result<AbortCriterion, Refusal> {
        let failure = match self.failure_type.as_str() {
            "ALL" => None,
            word => Some(
                Status::parse(word)
                    .ok_or_else(|| Refusal::invalid(format!("there is no failureType {word:?}")))?,
            ),
        };
        if self.action != "CANCEL" {
            return Err(Refusal::invalid("the action of abortConfig is CANCEL"));
        }
        let (percentage, least) = (self.threshold_percentage, self.min_number_of_executed_things);
        Ok(AbortCriterion { failure, percentage, least })
    }

    pub(in crate::services) fn show(criterion: &AbortCriterion) -> Self {
        Self {
            failure_type: criterion.failure.map_or("ALL", Status::word).to_owned(),
            action: "CANCEL".to_owned(),
            threshold_percentage: criterion.percentage,
            min_number_of_executed_things: criterion.least,
        }
    }
}
