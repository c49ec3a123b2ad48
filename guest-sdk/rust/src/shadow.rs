//! Device shadows, with serde: what is wanted of a device, and what it says of itself.
//!
//! ```ignore
//! #[derive(Deserialize, Serialize)]
//! struct Light {
//!     #[serde(skip_serializing_if = "Option::is_none")]
//!     on: Option<bool>,
//! }
//!
//! let shadow = Shadow::named("light");
//! for delta in shadow.on_delta::<Light>()? {
//!     let wanted = delta?.state;
//!     // Do what is wanted, then say so.
//!     shadow.report(&wanted)?;
//! }
//! ```

use crate::bindings::gg::host::shadow as wit;
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::marker::PhantomData;
use std::time::Duration;

/// Names on a page.
const PAGE: u32 = 100;

/// A shadow of a thing: of this core device, unless it is said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Shadow {
    thing: Option<String>,
    name: Option<String>,
}

/// A shadow's document. A section that is not there is `None`.
#[derive(Clone, Debug, Deserialize)]
pub struct Document<T> {
    /// Its state.
    pub state: State<T>,
    /// Counted up with each change.
    pub version: u64,
    /// When it was asked for, in seconds since the Unix epoch.
    pub timestamp: u64,
}

/// The state of a shadow.
#[derive(Clone, Debug, Deserialize)]
pub struct State<T> {
    /// What is wanted.
    pub desired: Option<T>,
    /// What the device says of itself.
    pub reported: Option<T>,
    /// What is wanted and not reported.
    pub delta: Option<T>,
}

/// What is wanted of a device and not reported: the members that differ, and no others.
#[derive(Clone, Debug, Deserialize)]
pub struct Delta<T> {
    /// Them.
    pub state: T,
    /// The shadow's version.
    pub version: u64,
    /// When it was looked at, in seconds since the Unix epoch.
    pub timestamp: u64,
}

impl Shadow {
    /// The shadow without a name.
    pub fn classic() -> Self {
        Self::default()
    }

    /// A shadow with a name.
    pub fn named(name: &str) -> Self {
        Self { thing: None, name: Some(name.to_owned()) }
    }

    /// The same of another thing.
    #[must_use]
    pub fn of(self, thing: &str) -> Self {
        Self { thing: Some(thing.to_owned()), ..self }
    }

    /// The document.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Json`] when the state is of another type.
    pub fn get<T: DeserializeOwned>(&self) -> Result<Document<T>> {
        read(&wit::get(&self.id())?)
    }

    /// Say what is so. Members are merged, and one that is null is taken away.
    ///
    /// # Errors
    /// Unauthorized; too many requests; a state larger than shadows may be.
    pub fn report(&self, state: &impl Serialize) -> Result<()> {
        self.update(&json!({ "state": { "reported": state } })).map(drop)
    }

    /// Say what is wanted. Members are merged, and one that is null is taken away.
    ///
    /// # Errors
    /// Unauthorized; too many requests; a state larger than shadows may be.
    pub fn desire(&self, state: &impl Serialize) -> Result<()> {
        self.update(&json!({ "state": { "desired": state } })).map(drop)
    }

    /// Update by a request document of your own; gives the answer.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the shadow has another version than the document says; as of
    /// [`Shadow::report`].
    pub fn update(&self, document: &Value) -> Result<Value> {
        read(&wit::update(&self.id(), &document.to_string())?)
    }

    /// Delete it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete(&self) -> Result<()> {
        wit::delete(&self.id())?;
        Ok(())
    }

    /// Watch what is wanted and not reported. What is so now comes at once.
    ///
    /// # Errors
    /// Unauthorized; as many watches as the limits allow.
    pub fn on_delta<T: DeserializeOwned>(&self) -> Result<Deltas<T>> {
        Ok(Deltas { inner: wit::on_delta(&self.id())?, of: PhantomData })
    }

    fn id(&self) -> wit::ShadowId {
        wit::ShadowId { thing_name: self.thing.clone(), shadow_name: self.name.clone() }
    }
}

/// The names of a thing's shadows: of this core device, unless it is said.
///
/// # Errors
/// Unauthorized; too many requests.
pub fn names(thing: Option<&str>) -> Result<Vec<String>> {
    let (mut names, mut next) = (Vec::new(), None);
    loop {
        let page = wit::list_named(thing, PAGE, next.as_deref())?;
        names.extend(page.names);
        next = page.next_token;
        if next.is_none() {
            return Ok(names);
        }
    }
}

/// The differences of a shadow: as an iterator it waits for each, and ends when the component is
/// asked to stop. Who is slow sees the last. Dropping it ends the watch.
#[derive(Debug)]
pub struct Deltas<T> {
    inner: wit::Deltas,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Deltas<T> {
    /// Wait for the next difference at most so long.
    ///
    /// # Errors
    /// The host failed; [`Error::Json`] when the state is of another type.
    pub fn next_timeout(&self, timeout: Duration) -> Result<Option<Delta<T>>> {
        let text = self.inner.next_timeout(crate::pubsub::millis(timeout))?;
        text.map(|text| read(&text)).transpose()
    }
}

impl<T: DeserializeOwned> Iterator for Deltas<T> {
    type Item = Result<Delta<T>>;

    fn next(&mut self) -> Option<Result<Delta<T>>> {
        match self.inner.next() {
            Ok(text) => Some(read(&text?)),
            Err(error) => Some(Err(error.into())),
        }
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Json(format!("the shadow: {error}")))
}
