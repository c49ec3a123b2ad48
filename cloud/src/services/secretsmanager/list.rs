//! Listing secrets, and versions of one.

use super::secrets::{name, show};
use super::{object, read};
use crate::registry::secrets::{self, Field, Filter, Order, Secret, Sort};
use crate::registry::tags::Tags;
use crate::registry::{Page, Paging, Refusal, Registry, page};
use crate::state::Rows;
use serde::Deserialize;
use serde_json::{Value, json};

/// Most results in a page.
const LARGEST_PAGE: usize = 100;

/// Most filters, and most values of one.
const MOST_FILTERS: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AskedFilter {
    #[serde(default)]
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

impl AskedFilter {
    fn read(&self) -> Result<Filter, Refusal> {
        let field = match self.key.as_str() {
            "all" => Field::All,
            "description" => Field::Description,
            "name" => Field::Name,
            "tag-key" => Field::TagKey,
            "tag-value" => Field::TagValue,
            "owning-service" | "primary-region" => Field::Nothing,
            _ => {
                return Err(Refusal::invalid(
                    "a filter's key is all, description, name, tag-key, tag-value, primary-region \
                     or owning-service",
                ));
            }
        };
        match (1..=MOST_FILTERS).contains(&self.values.len()) {
            true => Ok(Filter { field, values: self.values.clone() }),
            false => Err(Refusal::invalid(format!("a filter has 1 to {MOST_FILTERS} values"))),
        }
    }
}

fn read_filters(filters: &[AskedFilter]) -> Result<Vec<Filter>, Refusal> {
    match filters.len() <= MOST_FILTERS {
        true => filters.iter().map(AskedFilter::read).collect(),
        false => Err(Refusal::invalid(format!("there are at most {MOST_FILTERS} filters"))),
    }
}

/// Most results in a page.
pub(super) fn size(said: Option<usize>, most: usize) -> Result<usize, Refusal> {
    match said {
        None => Ok(most),
        Some(size) if (1..=most).contains(&size) => Ok(size),
        Some(_) => Err(Refusal::invalid(format!("MaxResults is not from 1 to {most}"))),
    }
}

fn paging(token: Option<&str>, size: usize) -> Result<Paging, Refusal> {
    Paging::new(token, size).map_err(|refusal| refusal.about("token", ""))
}

/// A page of those that filters show, in the usual order.
pub(super) fn found(
    registry: &Registry,
    rows: &dyn Rows,
    filters: &[AskedFilter],
    token: Option<&str>,
    size: usize,
) -> Result<Page<(Secret, Tags)>, Refusal> {
    let (filters, paging) = (read_filters(filters)?, paging(token, size)?);
    secrets::list(rows, &registry.place, &filters, &Order::default(), &paging)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    #[serde(default)]
    include_planned_deletion: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<AskedFilter>,
    sort_order: Option<String>,
    sort_by: Option<String>,
}

pub(super) fn secrets(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let (asked, rows) = (read::<List>(body)?, registry.state.snapshot()?);
    let sort = match asked.sort_by.as_deref() {
        None | Some("created-date") => Sort::Created,
        // When a secret was last read is not kept.
        Some("last-changed-date" | "last-accessed-date") => Sort::Changed,
        Some("name") => Sort::Name,
        Some(_) => {
            return Err(Refusal::invalid(
                "SortBy is created-date, last-accessed-date, last-changed-date or name",
            ));
        }
    };
    let descends = match asked.sort_order.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(Refusal::invalid("SortOrder is asc or desc")),
    };
    let order = Order { sort, descends, deleted: asked.include_planned_deletion };
    let filters = read_filters(&asked.filters)?;
    let paging = paging(asked.next_token.as_deref(), size(asked.max_results, LARGEST_PAGE)?)?;
    let page = secrets::list(rows.as_ref(), &registry.place, &filters, &order, &paging)?;
    let shown: Value = page
        .items
        .iter()
        .map(|(secret, tags)| show(registry, secret, tags, "SecretVersionsToStages"))
        .collect();
    Ok(object([("SecretList", shown), ("NextToken", json!(page.next))]))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    secret_id: String,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    include_deprecated: bool,
}

pub(super) fn versions(registry: &Registry, body: &[u8]) -> Result<Value, Refusal> {
    let (asked, rows) = (read::<Versions>(body)?, registry.state.snapshot()?);
    let secret = secrets::find(rows.as_ref(), &registry.place, &asked.secret_id)?;
    let shown = |id: &&String| {
        let version = secret.versions.get(*id);
        asked.include_deprecated || version.is_some_and(|version| !version.stages.is_empty())
    };
    let ids = secret.versions.keys().filter(shown).cloned();
    let paging = paging(asked.next_token.as_deref(), size(asked.max_results, LARGEST_PAGE)?)?;
    let page = page::of_names(ids, &paging);
    let found = page.items.iter().filter_map(|id| {
        let version = secret.versions.get(id)?;
        Some(json!({
            "VersionId": id,
            "VersionStages": version.stages,
            "CreatedDate": version.created.fractional_seconds(),
        }))
    });
    let mut answer = name(registry, &secret);
    answer["Versions"] = found.collect();
    if let Some(next) = page.next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}
