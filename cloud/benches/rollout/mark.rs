//! How far a device is, read from what it says at the level `debug`.

use anyhow::{Result, bail};

/// How far it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    /// It is connected to the broker.
    Connected,
    /// It was told of the deployment, has its document and has kept it.
    Begins,
    /// It has the recipe.
    Recipe,
    /// The artifact is there, and is what the recipe says.
    Artifact,
    /// The component's runtime makes it ready.
    Compiles,
    /// That is done; nothing that runs has been touched yet.
    Prepared,
    /// It is kept as what the device is to be, and is started once the version before has ended.
    Starts,
    /// The guest's first words.
    Speaks,
    /// The deployment has succeeded.
    Succeeded,
}

/// Words that say it, in the order in which they are looked for.
const WORDS: [(&str, Mark); 9] = [
    ("connected to the broker", Mark::Connected),
    ("deployment begins", Mark::Begins),
    ("the cloud has given a recipe", Mark::Recipe),
    ("phase=verify", Mark::Artifact),
    ("phase=prepare", Mark::Compiles),
    ("deployment is prepared", Mark::Prepared),
    ("phase=start", Mark::Starts),
    ("publishing to", Mark::Speaks),
    ("deployment succeeded", Mark::Succeeded),
];

/// Words that no line of a device may have.
const FAILURES: [&str; 3] = ["deployment failed", "deployment rejected", "is put off"];

/// What a line says, if it says anything of this.
pub(crate) fn read(line: &str) -> Result<Option<Mark>> {
    if FAILURES.iter().any(|words| line.contains(words)) {
        bail!("the device said: {line}");
    }
    Ok(WORDS.iter().find(|(words, _)| line.contains(words)).map(|(_, mark)| *mark))
}
