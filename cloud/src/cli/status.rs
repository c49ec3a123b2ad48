//! `gg-cloud status`.

use super::{Output, data};
use crate::registry::certificates::{self, Status};
use crate::registry::things::{self, Filter};
use crate::registry::{Paging, Refusal, groups, principals};
use crate::state::Rows;
use anyhow::Result;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::ExitCode;

/// Show which things there are, and their groups.
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
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let data = args.data.open()?;
    let rows = rows(data.state.snapshot()?.as_ref())?;
    let text = match args.output {
        Output::Text => table(&rows),
        Output::Json => {
            format!("{:#}\n", json!({ "things": rows.iter().map(show).collect::<Vec<_>>() }))
        }
    };
    let _nobody_reads = write!(std::io::stdout(), "{text}");
    Ok(ExitCode::SUCCESS)
}

fn rows(rows: &dyn Rows) -> Result<Vec<Row>, Refusal> {
    let found = things::list(rows, &Filter::default(), &Paging::all())?.items;
    let row = |thing: things::Thing| {
        let (mut certificates, mut active) = (0, 0);
        for id in principals::of_thing(rows, &thing.name)? {
            certificates += 1;
            active += usize::from(certificates::require(rows, &id)?.status == Status::Active);
        }
        let groups = groups::direct_of(rows, &thing.name)?;
        Ok(Row { thing: thing.name, groups, certificates, active })
    };
    found.into_iter().map(row).collect()
}

fn show(row: &Row) -> Value {
    json!({
        "thingName": row.thing,
        "thingGroups": row.groups,
        "certificates": { "active": row.active, "all": row.certificates },
    })
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "There are no things yet; `gg-cloud thing add` makes one.\n".to_owned();
    }
    let cells = rows.iter().map(|row| {
        let groups = if row.groups.is_empty() { "-".to_owned() } else { row.groups.join(", ") };
        let certificates = format!("{} of {} active", row.active, row.certificates);
        [row.thing.clone(), groups, certificates]
    });
    let head = ["THING", "GROUPS", "CERTIFICATES"].map(str::to_owned);
    let lines: Vec<[String; 3]> = [head].into_iter().chain(cells).collect();
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    let line = |[thing, groups, certificates]: &[String; 3]| {
        format!("{thing:first$}  {groups:second$}  {certificates}\n")
    };
    lines.iter().map(line).collect()
}
