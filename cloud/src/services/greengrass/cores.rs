//! Operations on core devices.

use super::page::Page;
use crate::registry::cores::{self, Core, CoreFilter, Installed};
use crate::registry::{Refusal, Registry, groups, tags};
use crate::web::{Answer, Call, Operation};
use gg_model::fleet_status::DeviceStatus;
use http::Method;
use serde_json::{Value, json};

const ALL: &str = "/greengrass/v2/coreDevices";
const ONE: &str = "/greengrass/v2/coreDevices/{coreDeviceThingName}";
const INSTALLED: &str = "/greengrass/v2/coreDevices/{coreDeviceThingName}/installedComponents";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::GET, ALL, "ListCoreDevices", list),
    Operation::new(Method::GET, ONE, "GetCoreDevice", get),
    Operation::new(Method::DELETE, ONE, "DeleteCoreDevice", delete),
    Operation::new(Method::GET, INSTALLED, "ListInstalledComponents", installed),
];

/// What is said of a core device wherever it is listed.
fn summary(core: &Core) -> Value {
    let mut shape = json!({
        "coreDeviceThingName": core.thing,
        "status": core.status,
        "lastStatusUpdateTimestamp": core.updated_at.fractional_seconds(),
        "platform": core.platform,
        "architecture": core.architecture,
    });
    if let Some(runtime) = &core.runtime {
        shape["runtime"] = runtime.as_str().into();
    }
    shape
}

fn get(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let core = cores::core(rows.as_ref(), call.part("coreDeviceThingName"))?;
    let mut answer = summary(&core);
    answer["coreVersion"] = core.version.as_str().into();
    let arn = registry.place.arn("greengrass", &format!("coreDevices:{}", core.thing));
    answer["tags"] = json!(tags::of(rows.as_ref(), &arn)?);
    Ok(Answer::ok(answer))
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (page, rows) = (Page::of(call)?, registry.state.snapshot()?);
    let wrong = |what: &str, field: &str| {
        Refusal::invalid(format!("{field} is {what}")).about("field", field)
    };
    let status = match call.query.get("status") {
        None => None,
        Some("HEALTHY") => Some(DeviceStatus::Healthy),
        Some("UNHEALTHY") => Some(DeviceStatus::Unhealthy),
        Some(_) => return Err(wrong("neither HEALTHY nor UNHEALTHY", "status")),
    };
    let among = match call.query.get("thingGroupArn") {
        None => None,
        Some(arn) => {
            let group = registry.place.named(arn, "iot", "thinggroup");
            let group = group.ok_or_else(|| wrong("no group's of this server", "thingGroupArn"))?;
            Some(groups::things_in(rows.as_ref(), group, true)?.into_iter().collect())
        }
    };
    let runtime = call.query.get("runtime").map(str::to_owned);
    let filter = CoreFilter { status, runtime, among };
    let found = cores::list(rows.as_ref(), &filter, page.after.as_deref(), page.size + 1)?;
    let shown: Value = found.iter().take(page.size).map(summary).collect();
    let mut answer = json!({ "coreDevices": shown });
    if let (Some(_), Some(last)) = (found.get(page.size), found.get(page.size - 1)) {
        answer["nextToken"] = Page::token(&last.thing).into();
    }
    Ok(Answer::ok(answer))
}

fn installed(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (page, rows) = (Page::of(call)?, registry.state.snapshot()?);
    let all = match call.query.get("topologyFilter") {
        None | Some("ROOT") => false,
        Some("ALL") => true,
        Some(_) => {
            let message = "topologyFilter is neither ALL nor ROOT";
            return Err(Refusal::invalid(message).about("field", "topologyFilter"));
        }
    };
    let inventory = cores::inventory(rows.as_ref(), call.part("coreDeviceThingName"))?;
    let mut left = inventory.components.values().filter(|one| {
        let name = &one.status.component_name;
        (all || one.status.is_root) && page.after.as_ref().is_none_or(|after| name > after)
    });
    let found: Vec<&Installed> = left.by_ref().take(page.size).collect();
    let shown: Value = found.iter().copied().map(component).collect();
    let mut answer = json!({ "installedComponents": shown });
    if let (Some(last), Some(_)) = (found.last(), left.next()) {
        answer["nextToken"] = Page::token(&last.status.component_name).into();
    }
    Ok(Answer::ok(answer))
}

fn component(installed: &Installed) -> Value {
    let Installed { status, changed_at, reported_at, trigger } = installed;
    let mut shape = json!({
        "componentName": status.component_name,
        "componentVersion": status.version,
        "lifecycleState": status.status,
        "isRoot": status.is_root,
        "lastStatusChangeTimestamp": changed_at.fractional_seconds(),
        "lastReportedTimestamp": reported_at.fractional_seconds(),
        "lifecycleStatusCodes": status.component_status_details.status_codes,
    });
    let reason = &status.component_status_details.status_reason;
    if !reason.is_empty() {
        shape["lifecycleStateDetails"] = reason.as_str().into();
    }
    if let Some(trigger) = trigger {
        shape["lastInstallationSource"] = trigger.as_str().into();
    }
    shape
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let thing = call.part("coreDeviceThingName");
    let arn = registry.place.arn("greengrass", &format!("coreDevices:{thing}"));
    registry.state.change(|tx| {
        tags::forget(tx, &arn)?;
        cores::delete(tx, thing)
    })?;
    Ok(Answer::nothing())
}
