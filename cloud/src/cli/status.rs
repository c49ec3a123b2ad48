//! `gg-cloud status`.

use super::{Output, data};
use crate::registry::certificates::{self, Status};
use crate::registry::cores::{self, Core};
use crate::registry::deployments::{Effective, effective};
use crate::registry::things::{self, Filter};
use crate::registry::{Kind, Paging, Place, Refusal, connections, groups, principals};
use crate::state::Rows;
use anyhow::Result;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::ExitCode;

/// How many columns there are.
const COLUMNS: usize = 7;

/// What they are called.
const HEAD: [&str; COLUMNS] =
    ["THING", "GROUPS", "CERTIFICATES", "LINK", "HEALTH", "DEPLOYMENT", "HEARD"];

/// The state of a component that failed too often.
const BROKEN: &str = "BROKEN";

/// Show the fleet: which things there are and in which groups, which are connected and how they stand, and
/// how the last deployment to each went.
///
/// It reads the state itself, whether the server runs or not.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How to print it: for people, or as JSON.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    data: data::Folder,
}

struct Row {
    thing: String,
    groups: Vec<String>,
    certificates: usize,
    active: usize,
    is_connected: bool,
    core: Option<Core>,
    /// Its components that are broken.
    broken: Vec<String>,
    deployment: Option<Effective>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let data = args.data.open()?;
    let rows = rows(data.state.snapshot()?.as_ref(), &data.place)?;
    let text = match args.output {
        Output::Text => table(&rows),
        Output::Json => {
            format!("{:#}\n", json!({ "things": rows.iter().map(show).collect::<Vec<_>>() }))
        }
    };
    let _nobody_reads = write!(std::io::stdout(), "{text}");
    Ok(ExitCode::SUCCESS)
}

fn rows(rows: &dyn Rows, place: &Place) -> Result<Vec<Row>, Refusal> {
    let found = things::list(rows, &Filter::default(), &Paging::all())?.items;
    let row = |thing: things::Thing| {
        let (mut certificates, mut active) = (0, 0);
        for id in principals::of_thing(rows, &thing.name)? {
            certificates += 1;
            active += usize::from(certificates::require(rows, &id)?.status == Status::Active);
        }
        let name = thing.name;
        let core = match cores::core(rows, &name) {
            Ok(core) => Some(core),
            Err(refusal) if refusal.kind == Kind::NotFound => None,
            Err(refusal) => return Err(refusal),
        };
        let (mut broken, mut deployment) = (Vec::new(), None);
        if core.is_some() {
            let components = cores::inventory(rows, &name)?.components;
            let components = components.into_iter();
            broken.extend(
                components.filter(|(_, one)| one.status.status == BROKEN).map(|(name, _)| name),
            );
            deployment = effective(rows, place, &name)?.into_iter().next();
        }
        Ok(Row {
            groups: groups::direct_of(rows, &name)?,
            is_connected: connections::of_thing(rows, &name)?.iter().any(|one| one.ended.is_none()),
            thing: name,
            certificates,
            active,
            core,
            broken,
            deployment,
        })
    };
    found.into_iter().map(row).collect()
}

fn show(row: &Row) -> Value {
    let core = row.core.as_ref().map(|core| {
        json!({
            "status": core.status,
            "coreVersion": core.version,
            "lastStatusUpdate": core.updated_at.iso8601(),
            "brokenComponents": row.broken,
        })
    });
    let deployment = row.deployment.as_ref().map(|effective| {
        json!({
            "deploymentId": effective.deployment.id,
            "status": effective.status,
            "reason": effective.reason(),
        })
    });
    json!({
        "thingName": row.thing,
        "thingGroups": row.groups,
        "certificates": { "active": row.active, "all": row.certificates },
        "connected": row.is_connected,
        "core": core,
        "deployment": deployment,
    })
}

/// What a row says, a column each.
fn cells(row: &Row) -> [String; COLUMNS] {
    let none = || "-".to_owned();
    let health = match (&row.core, row.broken.as_slice()) {
        (None, _) => none(),
        (Some(_), []) => "healthy".to_owned(),
        (Some(_), broken) => format!("broken: {}", broken.join(", ")),
    };
    let deployment = row.deployment.as_ref().map(|effective| {
        let status = serde_json::to_value(effective.status).unwrap_or_default();
        status.as_str().unwrap_or_default().to_lowercase().replace('_', " ")
    });
    [
        row.thing.clone(),
        if row.groups.is_empty() { none() } else { row.groups.join(", ") },
        format!("{} of {} active", row.active, row.certificates),
        if row.is_connected { "up" } else { "down" }.to_owned(),
        health,
        deployment.unwrap_or_else(none),
        row.core.as_ref().map_or_else(none, |core| core.updated_at.iso8601()),
    ]
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "There are no things yet; `gg-cloud thing add` makes one.\n".to_owned();
    }
    let lines: Vec<[String; COLUMNS]> =
        [HEAD.map(str::to_owned)].into_iter().chain(rows.iter().map(cells)).collect();
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |line: &[String; COLUMNS]| {
        let padded = line.iter().zip(widths).map(|(text, width)| format!("{text:width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}
