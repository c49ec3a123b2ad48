//! What the doors share: the translation of errors and of resource handles.

use super::caller::Caller;
use crate::bindings::gg::host::types as wit;
use crate::error::{Error, ErrorKind};
use futures_util::Stream;
use gg_ipc::{ErrorCode, OperationError};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;
use wasmtime::component::{HasData, Resource, ResourceTable};

/// What a door for wasm guests needs of a guest's store, as most do.
#[expect(missing_debug_implementations, reason = "borrows for the length of one call")]
pub struct View<'a, C> {
    /// The core.
    pub core: &'a C,
    /// Who asks.
    pub caller: &'a Caller,
    /// The guest's resources.
    pub table: &'a mut ResourceTable,
}

/// Names the [`View`] of a core for the linker.
#[derive(Debug)]
pub(crate) struct Lent<C>(PhantomData<C>);

impl<C: 'static> HasData for Lent<C> {
    type Data<'a> = View<'a, C>;
}

impl<C: Sync> wit::Host for View<'_, C> {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<wit::Error> {
        Ok(to_wit(error))
    }
}

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

/// What a call of Greengrass IPC comes to.
pub(crate) type Served<T> = Result<T, OperationError>;

/// What follows the response of a subscription of Greengrass IPC.
pub(crate) type Follow<E> = Pin<Box<dyn Stream<Item = E> + Send>>;

/// The one translation of a failure for components that speak Greengrass IPC.
impl From<Error> for OperationError {
    fn from(error: Error) -> Self {
        let (kind, message) = error.into_parts();
        let code = match kind {
            ErrorKind::Conflict => ErrorCode::Conflict,
            ErrorKind::InvalidArgument => ErrorCode::InvalidArguments,
            ErrorKind::NotFound => ErrorCode::ResourceNotFound,
            ErrorKind::Unauthorized => ErrorCode::Unauthorized,
            ErrorKind::Internal | ErrorKind::Unavailable => ErrorCode::Service,
        };
        Self::new(code, message)
    }
}

/// A failure of Greengrass IPC, with the resource where it is that which is not there.
pub(crate) fn about(kind: &str, name: &str, error: Error) -> OperationError {
    let is_absent = error.kind() == ErrorKind::NotFound;
    let mut error = OperationError::from(error);
    if is_absent {
        error.resource_type = Some(kind.to_owned());
        error.resource_name = Some(name.to_owned());
    }
    error
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
