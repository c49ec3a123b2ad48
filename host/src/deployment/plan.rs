//! PURE: what to do so that what runs becomes what is desired.

use gg_model::{ComponentName, ComponentVersion};
use std::collections::BTreeMap;

/// One thing to do. The executor never chooses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Take it in and start it.
    Install(ComponentName),
    /// Run this version in place of another.
    Replace(ComponentName),
    /// Stop it.
    Stop(ComponentName),
}

/// The steps from one set of components to another: first what goes, then what changes, then
/// what is new.
pub fn plan(
    running: &BTreeMap<ComponentName, ComponentVersion>,
    desired: &BTreeMap<ComponentName, ComponentVersion>,
) -> Vec<Step> {
    let gone = running.keys().filter(|name| !desired.contains_key(*name)).cloned().map(Step::Stop);
    let changed = desired
        .iter()
        .filter(|(name, version)| running.get(*name).is_some_and(|runs| runs != *version))
        .map(|(name, _)| Step::Replace(name.clone()));
    let new =
        desired.keys().filter(|name| !running.contains_key(*name)).cloned().map(Step::Install);
    gone.chain(changed).chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rows: &[(&str, &str)]) -> BTreeMap<ComponentName, ComponentVersion> {
        rows.iter()
            .map(|(name, version)| (name.parse().unwrap(), version.parse().unwrap()))
            .collect()
    }

    fn name(text: &str) -> ComponentName {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_to_do_when_all_is_as_desired() {
        let same = set(&[("a", "1.0.0")]);
        assert_eq!(plan(&same, &same), []);
    }

    #[test]
    fn what_goes_comes_first_and_what_is_new_last() {
        let running = set(&[("gone", "1.0.0"), ("other", "1.0.0"), ("same", "1.0.0")]);
        let desired = set(&[("new", "1.0.0"), ("other", "1.0.1"), ("same", "1.0.0")]);
        let steps =
            [Step::Stop(name("gone")), Step::Replace(name("other")), Step::Install(name("new"))];
        assert_eq!(plan(&running, &desired), steps);
    }
}
