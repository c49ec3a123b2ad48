//! Who is connected.

use super::client::Client;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections by the names of their clients.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<HashMap<String, Arc<Client>>>);

impl Clients {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Client>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connected; it takes the place of another with its name.
    pub(super) fn insert(&self, client: &Arc<Client>) {
        let before = self.lock().insert(client.name().to_owned(), Arc::clone(client));
        if let Some(before) = before {
            before.is_replaced();
        }
    }

    /// One is gone; another with its name stays.
    pub(super) fn remove(&self, client: &Arc<Client>) {
        let mut clients = self.lock();
        if clients.get(client.name()).is_some_and(|found| Arc::ptr_eq(found, client)) {
            clients.remove(client.name());
        }
    }

    /// The one with a name.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Client>> {
        self.lock().get(name).cloned()
    }

    /// All.
    pub(super) fn all(&self) -> Vec<Arc<Client>> {
        self.lock().values().cloned().collect()
    }
}
