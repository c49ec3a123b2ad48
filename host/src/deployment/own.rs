//! The nucleus as a component of its device: its own configuration, and that of the components that
//! it stands for. What deployments say of it is
//! kept with that of the components. Below lies the file that it is started with, in place of a
//! recipe's defaults, and is read anew at every start; above, for what is in force, the command line.

use super::bootstrap::Restart;
use super::outcome::Problem;
use crate::network::Proxy;
use gg_model::nucleus::own_components;
use gg_model::{ComponentName, ConfigTree, DeploymentRequest, NucleusSettings};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The configuration of the nucleus and of each component that it stands for.
pub type Trees = BTreeMap<ComponentName, ConfigTree>;

/// Whether they say different things.
pub fn differ(some: &Trees, others: &Trees) -> bool {
    let none = ConfigTree::default();
    some.keys().chain(others.keys()).any(|name| {
        let [some, others] = [some, others].map(|trees| trees.get(name).unwrap_or(&none));
        !some.differences(others).is_empty()
    })
}

/// The nucleus's own configuration, and what of it is in force. Cheap to clone.
#[derive(Clone)]
pub struct OwnConfiguration {
    file: Arc<BTreeMap<ComponentName, Value>>,
    command_line: Arc<Value>,
    /// What it tells of itself there, which nobody sets.
    facts: Arc<Mutex<BTreeMap<ComponentName, Map<String, Value>>>>,
    in_force: watch::Sender<Arc<NucleusSettings>>,
}

/// It may hold passwords.
impl fmt::Debug for OwnConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnConfiguration").finish_non_exhaustive()
    }
}

impl OwnConfiguration {
    /// What the file says, and what the command line does.
    pub fn new(file: BTreeMap<ComponentName, Value>, command_line: Map<String, Value>) -> Self {
        let in_force = watch::Sender::new(Arc::default());
        let command_line = Value::from(command_line).into();
        Self { file: file.into(), command_line, facts: Arc::default(), in_force }
    }

    /// Tell this in the configuration of one of the components, from the next look at it on.
    pub fn tell(&self, component: ComponentName, key: &str, fact: Value) {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        facts.entry(component).or_default().insert(key.to_owned(), fact);
    }

    /// What a component's configuration says where deployments say nothing.
    fn defaults(&self, component: &ComponentName) -> Value {
        let mut defaults = self.file.get(component).cloned().unwrap_or_else(|| Map::new().into());
        let facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Value::Object(members), Some(facts)) = (&mut defaults, facts.get(component)) {
            members.extend(facts.clone());
        }
        defaults
    }

    /// The whole of it, as others see it, where deployments have said this.
    ///
    /// # Errors
    /// It is too large.
    pub fn trees(&self, told: &Trees) -> Result<Trees, Problem> {
        let tree = |name: ComponentName| {
            let told = told.get(&name).map(ConfigTree::without_defaults);
            let mut tree = told.unwrap_or_default();
            tree.fill_defaults(&self.defaults(&name)).map_err(not_valid)?;
            Ok((name, tree))
        };
        own_components().map(tree).collect()
    }

    /// What trees say, the command line over them.
    ///
    /// # Errors
    /// A value is not what its key asks for.
    pub fn settings(&self, trees: &Trees) -> Result<NucleusSettings, Problem> {
        let mut whole = trees.clone();
        let nucleus = whole.entry(ComponentName::nucleus()).or_default();
        nucleus.merge::<&str>(&[], &self.command_line, i64::MAX).map_err(not_valid)?;
        let whole = whole.iter().map(|(name, tree)| (name.clone(), tree.to_json())).collect();
        let settings = NucleusSettings::read_all(&whole).map_err(not_valid)?;
        if let Some(proxy) = &settings.proxy
            && let Err(error) = proxy.url.parse::<Proxy>()
        {
            let key = "aws.greengrass.Nucleus.networkProxy.proxy.url";
            return Err(not_valid(format!("{key}: {error}")));
        }
        Ok(settings)
    }

    /// The trees after a deployment, and what they say.
    pub(super) fn update(
        &self,
        before: &Trees,
        request: &DeploymentRequest,
        at: i64,
    ) -> Result<(Trees, NucleusSettings), Problem> {
        let mut trees = before.clone();
        for name in request.reconfigured() {
            let Some(update) = request.configuration_update(name) else { continue };
            // Nucleus lite's name is one of the nucleus.
            let own = if name.is_nucleus() { &ComponentName::nucleus() } else { name };
            let Some(tree) = trees.get_mut(own) else { continue };
            let defaults = self.defaults(own);
            *tree = update
                .apply(tree, &defaults, at)
                .map_err(|error| not_valid(format!("{name}: {error}")))?;
        }
        let settings = self.settings(&trees)?;
        Ok((trees, settings))
    }

    /// What is in force, now and from now on.
    pub fn watch(&self) -> watch::Receiver<Arc<NucleusSettings>> {
        self.in_force.subscribe()
    }

    /// These are in force from the start.
    pub fn start_with(&self, settings: NucleusSettings) {
        self.in_force.send_replace(Arc::new(settings));
    }

    /// Whether the nucleus has to start again before these can be in force.
    pub(super) fn takes_restart(&self, settings: &NucleusSettings) -> bool {
        self.in_force.borrow().takes_restart(settings)
    }

    /// Have these in force from now on, unless something has to start again first.
    pub(super) fn put_in_force(&self, settings: NucleusSettings) -> Option<Restart> {
        if self.takes_restart(&settings) {
            return Some(Restart::Nucleus);
        }
        self.in_force.send_if_modified(|present| {
            let changed = **present != settings;
            *present = Arc::new(settings);
            changed
        });
        None
    }
}

/// Warn of keys that a deployment has brought and that mean nothing here.
pub(super) fn warn_of_new(before: &NucleusSettings, after: &NucleusSettings) {
    let new = after.warnings.iter().filter(|warning| !before.warnings.contains(warning));
    let keys: Vec<String> = new.map(ToString::to_string).collect();
    if !keys.is_empty() {
        tracing::warn!("not all of the nucleus's configuration is of use: {}", keys.join("; "));
    }
}

fn not_valid(error: impl ToString) -> Problem {
    Problem::new("COMPONENT_CONFIGURATION_NOT_VALID", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn own() -> OwnConfiguration {
        let file = json!({"awsRegion": "eu-west-1", "logging": {"level": "WARN"}});
        let command_line = json!({"runWithDefault": {"posixUser": "operator"}});
        OwnConfiguration::new(BTreeMap::from([(ComponentName::nucleus(), file)]), map(command_line))
    }

    fn request(update: Value) -> DeploymentRequest {
        let update = json!({"requestId": "1", "configurationUpdate": update});
        DeploymentRequest::parse(&update.to_string()).unwrap()
    }

    #[test]
    fn deployments_lie_over_the_file_and_the_command_line_over_them() {
        let own = own();
        let before = own.trees(&Trees::new()).unwrap();
        let merge = json!({"logging": {"level": "DEBUG"}, "runWithDefault": {"posixUser": "me"}});
        let asked = request(json!({"aws.greengrass.NucleusLite": {"MERGE": merge}}));
        let (trees, settings) = own.update(&before, &asked, 7).unwrap();
        assert_eq!(settings.logging.level.as_deref(), Some("DEBUG"));
        assert_eq!(settings.region.as_deref(), Some("eu-west-1"));
        assert_eq!(settings.posix_user.unwrap().to_string(), "operator");
        let user =
            |trees: &Trees| trees[&ComponentName::nucleus()].get(&["runWithDefault", "posixUser"]);
        assert_eq!(user(&trees), Some(json!("me")));
        // A file that was changed since counts where no deployment has said anything.
        let changed = json!({"awsRegion": "eu-north-1", "logging": {"level": "ERROR"}});
        let changed = BTreeMap::from([(ComponentName::nucleus(), changed)]);
        let next = OwnConfiguration::new(changed, Map::new());
        let settings = next.settings(&next.trees(&trees).unwrap()).unwrap();
        assert_eq!(settings.region.as_deref(), Some("eu-north-1"));
        assert_eq!(settings.logging.level.as_deref(), Some("DEBUG"));
        // What is reset is as the file has it.
        let asked = request(json!({"aws.greengrass.Nucleus": {"RESET": ["/logging/level"]}}));
        let (trees, settings) = own.update(&trees, &asked, 8).unwrap();
        assert_eq!(settings.logging.level.as_deref(), Some("WARN"));
        assert_eq!(user(&trees), Some(json!("me")));
    }

    #[test]
    fn what_is_not_valid_is_refused_and_no_secret_shown() {
        let own = own();
        let before = own.trees(&Trees::new()).unwrap();
        for (merge, words) in [
            (json!({"logging": {"level": 5}}), "aws.greengrass.Nucleus.logging.level: expected"),
            (
                json!({"networkProxy": {"proxy": {"url": "socks5://me:hidden@proxy:1"}}}),
                "aws.greengrass.Nucleus.networkProxy.proxy.url: not a proxy",
            ),
        ] {
            let asked = request(json!({"aws.greengrass.Nucleus": {"MERGE": merge}}));
            let problem = own.update(&before, &asked, 7).unwrap_err();
            assert!(problem.message.starts_with(words), "{problem}");
            assert!(!problem.message.contains("hidden"), "{problem}");
            assert_eq!(problem.code, "COMPONENT_CONFIGURATION_NOT_VALID");
        }
    }

    #[test]
    fn what_takes_a_restart_is_not_in_force_before() {
        let own = own();
        let seen = own.watch();
        let read = |value: Value| NucleusSettings::read(&value).unwrap();
        assert_eq!(own.put_in_force(read(json!({"logging": {"level": "DEBUG"}}))), None);
        assert_eq!(seen.borrow().logging.level.as_deref(), Some("DEBUG"));
        assert_eq!(own.put_in_force(read(json!({"awsRegion": "x"}))), Some(Restart::Nucleus));
        assert_eq!(seen.borrow().region, None);
    }
}
