//! How a deployment gets on, component by component, for whoever looks.

use gg_model::ComponentName;
use std::collections::BTreeMap;
use std::fmt;
use tokio::sync::watch;

/// What is being done with a component.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Its step `bootstrap` is carried out.
    Bootstrap,
    /// It did not come up.
    Broken,
    /// Its artifacts are fetched.
    Download,
    /// It is installed.
    Install,
    /// Its runtime makes it ready: compiles, pulls.
    Prepare,
    /// It is started.
    Start,
    /// It is stopped.
    Stop,
    /// An archive of its artifacts is unpacked.
    Unpack,
    /// It is up, or has done its work.
    Up,
    /// An artifact is whole, and is what the recipe says.
    Verify,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bootstrap => "bootstrap",
            Self::Broken => "broken",
            Self::Download => "download",
            Self::Install => "install",
            Self::Prepare => "prepare",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Unpack => "unpack",
            Self::Up => "up",
            Self::Verify => "verify",
        })
    }
}

/// The latest phase of each component.
pub type Phases = BTreeMap<ComponentName, Phase>;

/// Tells how a deployment gets on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Progress(watch::Sender<Phases>);

impl Default for Progress {
    fn default() -> Self {
        Self(watch::Sender::new(Phases::new()))
    }
}

impl Progress {
    /// A component is in another phase.
    pub fn tell(&self, component: &ComponentName, phase: Phase) {
        let another = |phases: &mut Phases| phases.insert(component.clone(), phase) != Some(phase);
        if self.0.send_if_modified(another) {
            tracing::debug!(%component, %phase, "deployment goes on");
        }
    }

    /// Forget what was told.
    pub fn clear(&self) {
        self.0.send_modify(BTreeMap::clear);
    }

    /// Look, now and from now on.
    pub fn watch(&self) -> watch::Receiver<Phases> {
        self.0.subscribe()
    }
}
