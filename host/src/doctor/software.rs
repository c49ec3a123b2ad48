//! What of the device's software components need: the user that they run as, and a container engine.

use super::{Case, Sheet, Verdict};
use crate::runtime::{docker, process};

pub(super) async fn look(case: &Case, sheet: &Sheet) {
    let wanted = case.settings.posix_user.as_ref();
    match process::runs_as(wanted) {
        Ok(name) => sheet.ok("runWithDefault", format!("processes run as {name}")),
        Err(why) => {
            // Who names nobody may have no native components.
            let verdict = if wanted.is_some() { Verdict::Failure } else { Verdict::Warning };
            sheet.sentence(verdict, "runWithDefault", &why);
        }
    }
    match docker::survey().await {
        Ok(engine) => sheet.ok("container engine", engine),
        Err(why) => {
            let runtime = case.settings.platform.get("runtime");
            let needed = runtime.is_some_and(|names| names.split(',').any(|name| name == "docker"));
            let verdict = if needed { Verdict::Failure } else { Verdict::Warning };
            sheet.sentence(verdict, "container engine", &why);
        }
    }
}
