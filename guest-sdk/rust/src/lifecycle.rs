//! What a component knows of itself.

use crate::Result;
use crate::bindings::gg::host::lifecycle as wit;

pub use crate::bindings::gg::host::lifecycle::{Identity, State};

/// Who this component is.
pub fn describe() -> Identity {
    wit::describe()
}

/// Report a state.
///
/// # Errors
/// Unauthorized.
pub fn update_state(state: State) -> Result<()> {
    Ok(wit::update_state(state)?)
}

/// Whether the component is asked to stop.
pub fn stopping() -> bool {
    wit::stopping()
}
