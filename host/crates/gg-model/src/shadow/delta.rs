//! What of the desired state is not reported.

use super::Section;
use serde_json::{Number, Value};

/// The members of the desired state that are reported otherwise or not at all, and what is said
/// about them. What is reported and not desired is no difference.
pub(super) fn delta(desired: &Section, reported: &Section, metadata: &Section) -> [Section; 2] {
    let [mut state, mut about] = [Section::new(), Section::new()];
    for (key, wanted) in desired {
        let (wanted, said) = match (wanted, reported.get(key), metadata.get(key)) {
            (Value::Object(wanted), Some(Value::Object(found)), said) => {
                let said = said.and_then(Value::as_object).cloned().unwrap_or_default();
                let [wanted, said] = delta(wanted, found, &said);
                if wanted.is_empty() {
                    continue;
                }
                (wanted.into(), Some(said.into()))
            }
            (wanted, Some(found), _) if same(wanted, found) => continue,
            (wanted, _, said) => (wanted.clone(), said.cloned()),
        };
        state.insert(key.clone(), wanted);
        about.extend(said.map(|said| (key.clone(), said)));
    }
    [state, about]
}

/// Whether two values are the same; numbers are by what they count, so that 1 is 1.0.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => same_section(one, other),
        (one, other) => one == other,
    }
}

/// The same of sections.
pub(super) fn same_section(one: &Section, other: &Section) -> bool {
    one.len() == other.len()
        && one.iter().all(|(key, value)| other.get(key).is_some_and(|found| same(value, found)))
}

fn same_number(one: &Number, other: &Number) -> bool {
    let whole = |number: &Number| {
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    };
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.as_f64() == other.as_f64(),
    }
}
