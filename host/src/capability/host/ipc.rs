//! Door for those outside the sandbox: the nucleus itself, in operations of this host's own.

use super::HostControl;
use crate::capability::caller::Caller;
use crate::capability::door::Served;
use crate::error::Error;
use gg_ipc::shapes::{
    GetLogLevelResponse, GetMetricsResponse, SetLogLevelRequest, SetLogLevelResponse,
};

/// GetLogLevel.
pub(crate) async fn log_level(host: &HostControl, caller: &Caller) -> Served<GetLogLevelResponse> {
    let level = host.log_level(caller).await?;
    Ok(GetLogLevelResponse { level: level.name().to_owned() })
}

/// SetLogLevel.
pub(crate) async fn set_log_level(
    host: &HostControl,
    caller: &Caller,
    request: SetLogLevelRequest,
) -> Served<SetLogLevelResponse> {
    let level = request.level.parse();
    let level = level.map_err(|error| Error::invalid(format!("{error}")))?;
    host.set_log_level(caller, level).await?;
    Ok(SetLogLevelResponse {})
}

/// GetMetrics.
pub(crate) async fn metrics(host: &HostControl, caller: &Caller) -> Served<GetMetricsResponse> {
    Ok(GetMetricsResponse { figures: host.metrics(caller).await? })
}
