//! What the doors share: the translation of errors and of resource handles.

use crate::bindings::gg::host::types as wit;
use crate::error::{Error, ErrorKind};
use std::time::Duration;
use wasmtime::component::Resource;

/// The one translation of a failure for wasm guests.
pub(crate) fn to_wit(error: Error) -> wit::Error {
    let (kind, message) = error.into_parts();
    match kind {
        ErrorKind::Conflict => wit::Error::Conflict(message),
        ErrorKind::Internal => wit::Error::Internal(message),
        ErrorKind::InvalidArgument => wit::Error::InvalidArgument(message),
        ErrorKind::NotFound => wit::Error::NotFound(message),
        ErrorKind::Unauthorized => wit::Error::Unauthorized(message),
        ErrorKind::Unavailable => wit::Error::Unavailable(message),
    }
}

/// The key under which the resource table holds what a guest's handle stands for.
pub(crate) fn key<T: 'static, R: 'static>(handle: &Resource<R>) -> Resource<T> {
    if handle.owned() {
        Resource::new_own(handle.rep())
    } else {
        Resource::new_borrow(handle.rep())
    }
}

/// The handle a guest gets for what the resource table holds.
pub(crate) fn handle<T: 'static, R: 'static>(key: &Resource<T>) -> Resource<R> {
    Resource::new_own(key.rep())
}

/// What a wait gives, if it does so within so many milliseconds.
pub(crate) async fn within<T>(timeout_ms: u32, wait: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(timeout_ms.into()), wait).await.ok()
}
