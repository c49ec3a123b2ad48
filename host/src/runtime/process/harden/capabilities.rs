//! The powers of root in pieces: a component's process keeps none and gets none back.

use rustix::io::{Errno, Result};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

/// The kernel knows fewer.
const MOST: u32 = 64;

/// No program that is started from here on gets a capability, not even as root. Comes before the
/// change of user, after which one may no longer do this.
pub(in super::super) fn bound() -> Result<()> {
    for number in 0..MOST {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            // The last one was before.
            Err(Errno::INVAL) => break,
            // One who has none to give up; no_new_privs does the rest.
            Err(Errno::PERM) => break,
            done => done?,
        }
    }
    Ok(())
}

/// Give up those that are held. Comes after the change of user, which needs them.
pub(in super::super) fn give_up() -> Result<()> {
    match clear_ambient_capability_set() {
        // A kernel without them.
        Err(Errno::INVAL) => {}
        done => done?,
    }
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}
