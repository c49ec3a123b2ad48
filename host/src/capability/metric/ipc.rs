//! Door for components outside the sandbox: metrics in Greengrass IPC.

use super::{Metric, Metrics};
use crate::capability::caller::Caller;
use crate::capability::door::Served;
use gg_ipc::shapes::{PutComponentMetricRequest, PutComponentMetricResponse};

/// PutComponentMetric.
pub(crate) fn put(
    metrics: &Metrics,
    caller: &Caller,
    request: PutComponentMetricRequest,
) -> Served<PutComponentMetricResponse> {
    let values = request.metrics.into_iter();
    let values =
        values.map(|one| Metric { name: one.name, unit: one.unit.as_str(), value: one.value });
    metrics.put(caller, &values.collect::<Vec<_>>())?;
    Ok(PutComponentMetricResponse {})
}
