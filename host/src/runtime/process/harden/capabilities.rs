//! The powers of root in pieces: a component's process keeps none and gets none back.
//!
//! What a program could get back is a list that a thread has and passes on (its bounding set), and
//! the kernel takes a call for each of them, a tenth of the cost of a start. So there are threads
//! that have given up theirs, from which processes are made ([`bind_thread`]).

use rustix::io::{Errno, Result};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};
use std::cell::Cell;

/// The kernel knows fewer.
const MOST: u32 = 64;

thread_local! {
    static BOUND: Cell<bool> = const { Cell::new(false) };
}

/// Do [`bound`] for this thread, for good. A process made by one for which it failed does it itself.
pub(in super::super) fn bind_thread() {
    BOUND.set(bound().is_ok());
}

/// Whether what this thread starts is bound already.
pub(in super::super) fn is_thread_bound() -> bool {
    BOUND.get()
}

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
