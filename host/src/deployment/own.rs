//! The nucleus as a component of its device: its own configuration. What deployments say of it is
//! kept with that of the components. Below lies the file that it is started with, in place of a
//! recipe's defaults, and is read anew at every start; above, for what is in force, the command line.

use super::bootstrap::Restart;
use super::outcome::Problem;
use crate::network::Proxy;
use gg_model::{ConfigTree, LocalDeploymentRequest, NucleusSettings};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// The nucleus's own configuration, and what of it is in force. Cheap to clone.
#[derive(Clone)]
pub struct OwnConfiguration {
    file: Arc<Value>,
    command_line: Arc<Value>,
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
    pub fn new(file: Map<String, Value>, command_line: Map<String, Value>) -> Self {
        let (file, command_line) = (Value::from(file), Value::from(command_line));
        let in_force = watch::Sender::new(Arc::default());
        Self { file: file.into(), command_line: command_line.into(), in_force }
    }

    /// The whole of it, as others see it, where deployments have said this.
    ///
    /// # Errors
    /// It is too large.
    pub fn tree(&self, told: &ConfigTree) -> Result<ConfigTree, Problem> {
        let mut tree = told.without_defaults();
        tree.fill_defaults(&self.file).map_err(not_valid)?;
        Ok(tree)
    }

    /// What a tree says, the command line over it.
    ///
    /// # Errors
    /// A value is not what its key asks for.
    pub fn settings(&self, tree: &ConfigTree) -> Result<NucleusSettings, Problem> {
        let mut whole = tree.clone();
        whole.merge::<&str>(&[], &self.command_line, i64::MAX).map_err(not_valid)?;
        let settings = NucleusSettings::read(&whole.to_json()).map_err(not_valid)?;
        if let Some(proxy) = &settings.proxy
            && let Err(error) = proxy.url.parse::<Proxy>()
        {
            let key = "aws.greengrass.Nucleus.networkProxy.proxy.url";
            return Err(not_valid(format!("{key}: {error}")));
        }
        Ok(settings)
    }

    /// The tree after a deployment, and what it says.
    pub(super) fn update(
        &self,
        before: &ConfigTree,
        request: &LocalDeploymentRequest,
        at: i64,
    ) -> Result<(ConfigTree, NucleusSettings), Problem> {
        let mut tree = before.clone();
        let updates = request.configuration_updates.iter();
        for (name, update) in updates.filter(|(name, _)| name.is_nucleus()) {
            tree = update
                .apply(&tree, &self.file, at)
                .map_err(|error| not_valid(format!("{name}: {error}")))?;
        }
        let settings = self.settings(&tree)?;
        Ok((tree, settings))
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
        OwnConfiguration::new(map(file), map(command_line))
    }

    fn request(update: Value) -> LocalDeploymentRequest {
        let update = json!({"requestId": "1", "configurationUpdate": update});
        LocalDeploymentRequest::from_json(&update).unwrap()
    }

    #[test]
    fn deployments_lie_over_the_file_and_the_command_line_over_them() {
        let own = own();
        let before = own.tree(&ConfigTree::default()).unwrap();
        let merge = json!({"logging": {"level": "DEBUG"}, "runWithDefault": {"posixUser": "me"}});
        let asked = request(json!({"aws.greengrass.NucleusLite": {"MERGE": merge}}));
        let (tree, settings) = own.update(&before, &asked, 7).unwrap();
        assert_eq!(settings.logging.level.as_deref(), Some("DEBUG"));
        assert_eq!(settings.region.as_deref(), Some("eu-west-1"));
        assert_eq!(settings.posix_user.unwrap().to_string(), "operator");
        assert_eq!(tree.get(&["runWithDefault", "posixUser"]), Some(json!("me")));
        // A file that was changed since counts where no deployment has said anything.
        let changed = map(json!({"awsRegion": "eu-north-1", "logging": {"level": "ERROR"}}));
        let next = OwnConfiguration::new(changed, Map::new());
        let settings = next.settings(&next.tree(&tree).unwrap()).unwrap();
        assert_eq!(settings.region.as_deref(), Some("eu-north-1"));
        assert_eq!(settings.logging.level.as_deref(), Some("DEBUG"));
        // What is reset is as the file has it.
        let asked = request(json!({"aws.greengrass.Nucleus": {"RESET": ["/logging/level"]}}));
        let (tree, settings) = own.update(&tree, &asked, 8).unwrap();
        assert_eq!(settings.logging.level.as_deref(), Some("WARN"));
        assert_eq!(tree.get(&["runWithDefault", "posixUser"]), Some(json!("me")));
    }

    #[test]
    fn what_is_not_valid_is_refused_and_no_secret_shown() {
        let (own, before) = (own(), ConfigTree::default());
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
