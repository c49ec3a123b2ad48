//! Listing secrets (Secrets Manager API reference, `ListSecrets` and `Filter`). All are looked through,
//! since any can come first.

use super::{SECRETS, Secret};
use crate::registry::page::{Page, Paging};
use crate::registry::{Place, Refusal, tags};
use crate::state::{Key, Rows};

/// What a filter looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Field {
    /// Everything.
    All,
    /// What is for people; case does not matter.
    Description,
    /// The name.
    Name,
    /// Names of tags.
    TagKey,
    /// Values of tags.
    TagValue,
    /// What no secret here has, such as a service that owns it.
    Nothing,
}

/// Which secrets are shown: those of which one of the values holds, or none of those after a `!`.
#[derive(Clone, Debug)]
pub struct Filter {
    /// What it looks at.
    pub field: Field,
    /// How that begins.
    pub values: Vec<String>,
}

/// By what secrets are in order.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sort {
    /// When they were made.
    #[default]
    Created,
    /// When they were changed.
    Changed,
    /// Their names.
    Name,
}

/// How secrets are listed.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// By what.
    pub sort: Sort,
    /// Whether the last comes first.
    pub descends: bool,
    /// Whether those that were deleted are shown.
    pub deleted: bool,
}

impl Filter {
    fn shows(&self, secret: &Secret, tags: &tags::Tags) -> bool {
        let (not, wanted): (Vec<&str>, Vec<&str>) =
            self.values.iter().map(String::as_str).partition(|value| value.starts_with('!'));
        let holds = |value: &str| self.holds(value, secret, tags);
        !not.iter().any(|value| holds(value.trim_start_matches('!')))
            && (wanted.is_empty() || wanted.into_iter().any(holds))
    }

    fn holds(&self, value: &str, secret: &Secret, tags: &tags::Tags) -> bool {
        let description = secret.description.as_deref().unwrap_or_default().to_lowercase();
        let lower = value.to_lowercase();
        match self.field {
            Field::Description => description.starts_with(&lower),
            Field::Name => secret.name.starts_with(value),
            Field::TagKey => tags.keys().any(|tag| tag.starts_with(value)),
            Field::TagValue => tags.values().any(|tag| tag.starts_with(value)),
            Field::Nothing => false,
            Field::All => {
                let texts = tags.iter().flat_map(|(name, value)| [name, value]);
                let mut texts = texts.map(String::as_str).chain([secret.name.as_str()]);
                description.contains(&lower)
                    || texts.any(|text| text.to_lowercase().contains(&lower))
            }
        }
    }
}

/// What a page goes on after.
fn place_of(secret: &Secret, sort: Sort) -> Key {
    let at = match sort {
        Sort::Created => secret.created.millis(),
        Sort::Changed => secret.changed.millis(),
        Sort::Name => 0,
    };
    Key::new().number(at).last(&secret.name)
}

/// Those that all filters show, with their tags.
///
/// # Errors
/// The state cannot be read.
pub fn list(
    rows: &dyn Rows,
    place: &Place,
    filters: &[Filter],
    order: &Order,
    paging: &Paging,
) -> Result<Page<(Secret, tags::Tags)>, Refusal> {
    let mut found = Vec::new();
    for (_, secret) in SECRETS.scan(rows, &Key::new(), None, usize::MAX)? {
        if secret.deleted.is_some() && !order.deleted {
            continue;
        }
        let tags = tags::of(rows, &secret.arn(place))?;
        if filters.iter().all(|filter| filter.shows(&secret, &tags)) {
            found.push((place_of(&secret, order.sort), (secret, tags)));
        }
    }
    found.sort_unstable_by(|(one, _), (other, _)| match order.descends {
        true => other.cmp(one),
        false => one.cmp(other),
    });
    Ok(paging.cut(found, order.descends))
}
