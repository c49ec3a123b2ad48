//! What a worker gives up before it reads a model: it has its memory, its processor time and one
//! stream to the host, and nothing else.

use anyhow::{Context as _, Result};
use landlock::{ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Memory of the program itself: its threads' stacks, and what it begins with.
pub const OWN: u64 = 32 << 20;

/// Address space beyond the memory: code, and what allocators reserve and do not use.
const SPACE: u64 = 4 << 30;

/// Files that may be open: those that it has, and a few that a library opens to look at the machine.
const FILES: u64 = 64;

/// Give up what a worker does not need, for ever. `memory`: bytes of it for the model and what it
/// computes.
///
/// # Errors
/// The kernel refuses a limit.
pub fn confine(memory: u64) -> Result<()> {
    for (resource, most) in [
        (Resource::Data, memory.saturating_add(OWN)),
        (Resource::As, memory.saturating_add(SPACE)),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, FILES),
    ] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).with_context(|| format!("cannot limit {resource:?}"))?;
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot refuse core dumps")?;
    // No file can be opened and no address be reached from here on, as far as the kernel can.
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .create()?;
    rules.restrict_self().context("cannot give up files and network")?;
    Ok(())
}
