//! What a worker gives up before it reads a model: it has its memory, its processor time and one
//! stream to the host, and nothing else.

use anyhow::{Context as _, Result, ensure};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    path_beneath_rules,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Memory of the program itself: its threads' stacks, and what it begins with.
pub const OWN: u64 = 32 << 20;

/// Address space beyond the memory: code, and what allocators reserve and do not use.
const SPACE: u64 = 4 << 30;

/// Files that may be open: those that it has, and a few that a library opens to look at the machine.
const FILES: u64 = 64;

/// What the processor is: engines choose by that how they compute, some kinds of core by kind.
const PROCESSOR: [&str; 2] = ["/proc/cpuinfo", "/sys/devices/system/cpu"];

/// The code with which a worker ends that cannot do this.
pub const UNCONFINED: i32 = 3;

/// Give up what a worker does not need, for ever. `memory`: bytes of it for the model and what it
/// computes.
///
/// # Errors
/// The kernel refuses a limit, or there are threads already, which it would not confine.
pub fn confine(memory: u64) -> Result<()> {
    let threads = std::fs::read_dir("/proc/self/task").context("cannot count threads")?.count();
    ensure!(threads == 1, "there are {threads} threads already");
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
    // No other file can be opened and no address be reached from here on, as far as the kernel can.
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .create()?
        .add_rules(path_beneath_rules(PROCESSOR, AccessFs::ReadFile | AccessFs::ReadDir))?;
    rules.restrict_self().context("cannot give up files and network")?;
    Ok(())
}
