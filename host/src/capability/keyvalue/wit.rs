//! Door for wasm guests: `wasi:keyvalue` in both spellings that toolchains emit, `0.2.0-draft`
//! and `0.2.0-draft2`. They differ in the cursor of `list-keys`, in `increment` and `get-many`,
//! and the second has compare-and-swap. Pre-release versions never match one another.

use super::{Bucket, KeyValue, PAGE};
use crate::capability::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use std::pin::Pin;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceTable, ResourceType,
};

/// What the door needs of a guest's store.
#[expect(missing_debug_implementations, reason = "borrows for the length of one call")]
pub struct View<'a> {
    /// The core.
    pub keyvalue: &'a KeyValue,
    /// Who asks.
    pub caller: &'a Caller,
    /// The guest's resources.
    pub table: &'a mut ResourceTable,
}

impl View<'_> {
    fn bucket(&self, handle: &Resource<Bucket>) -> Result<Bucket> {
        Ok(self.table.get(handle)?.clone())
    }
}

type Lend<T> = fn(&mut T) -> View<'_>;

/// Serve the interfaces to guests whose store can lend a [`View`].
///
/// # Errors
/// When the linker holds one of them already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    lend: Lend<T>,
) -> wasmtime::Result<()> {
    let mut store = linker.instance("wasi:keyvalue/store@0.2.0-draft")?;
    add_bucket(&mut store, lend)?;
    serve(
        &mut store,
        lend,
        "[method]bucket.list-keys",
        |view, (bucket, cursor): (_, Option<u64>)| {
            let from = usize::try_from(cursor.unwrap_or(0)).unwrap_or(usize::MAX);
            let keys = view.bucket(&bucket)?.keys_from(from);
            let cursor = (keys.len() == PAGE).then(|| from.saturating_add(PAGE) as u64);
            Ok(Keys { keys, cursor })
        },
    )?;
    let mut atomics = linker.instance("wasi:keyvalue/atomics@0.2.0-draft")?;
    change(&mut atomics, lend, "increment", |view, (bucket, key, delta): (_, String, u64)| {
        let delta = i64::try_from(delta)
            .map_err(|_| Error::invalid(format!("the delta {delta} is over {}", i64::MAX)))?;
        let bucket = view.bucket(&bucket)?;
        Ok(Box::pin(async move {
            let sum = bucket.increment(&key, delta).await?;
            u64::try_from(sum).map_err(|_| Error::invalid(format!("the value {sum} is negative")))
        }))
    })?;
    let mut batch = linker.instance("wasi:keyvalue/batch@0.2.0-draft")?;
    serve(&mut batch, lend, "get-many", |view, (bucket, keys): (_, Vec<String>)| {
        let bucket = view.bucket(&bucket)?;
        let pairs = keys.into_iter().map(|key| bucket.get(&key).map(|value| (key, value)));
        Ok(pairs.collect::<Vec<Option<(String, Vec<u8>)>>>())
    })?;
    add_batch_writes(&mut batch, lend)?;

    let mut store = linker.instance("wasi:keyvalue/store@0.2.0-draft2")?;
    add_bucket(&mut store, lend)?;
    let list = |view: &mut View<'_>, (bucket, cursor): (_, Option<String>)| {
        let keys = view.bucket(&bucket)?.keys(cursor.as_deref());
        let cursor = keys.last().filter(|_| keys.len() == PAGE).cloned();
        Ok(Keys { keys, cursor })
    };
    serve(&mut store, lend, "[method]bucket.list-keys", list)?;
    let mut atomics = linker.instance("wasi:keyvalue/atomics@0.2.0-draft2")?;
    change(&mut atomics, lend, "increment", |view, (bucket, key, delta): (_, String, i64)| {
        let bucket = view.bucket(&bucket)?;
        Ok(Box::pin(async move { bucket.increment(&key, delta).await }))
    })?;
    add_compare_and_swap(&mut atomics, lend)?;
    let mut batch = linker.instance("wasi:keyvalue/batch@0.2.0-draft2")?;
    serve(&mut batch, lend, "get-many", |view, (bucket, keys): (_, Vec<String>)| {
        let bucket = view.bucket(&bucket)?;
        let pairs = keys.into_iter().map(|key| {
            let value = bucket.get(&key);
            (key, value)
        });
        Ok(pairs.collect::<Vec<(String, Option<Vec<u8>>)>>())
    })?;
    add_batch_writes(&mut batch, lend)
}

/// What both spellings of `store` share.
fn add_bucket<T: Send + 'static>(
    store: &mut LinkerInstance<'_, T>,
    lend: Lend<T>,
) -> wasmtime::Result<()> {
    store.resource("bucket", ResourceType::host::<Bucket>(), move |mut store, rep| {
        lend(store.data_mut()).table.delete(Resource::<Bucket>::new_own(rep))?;
        Ok(())
    })?;
    serve(store, lend, "open", |view, (name,): (String,)| {
        let bucket = view.keyvalue.open(view.caller, &name)?;
        Ok(view.table.push(bucket)?)
    })?;
    serve(store, lend, "[method]bucket.get", |view, (bucket, key): (_, String)| {
        Ok(view.bucket(&bucket)?.get(&key))
    })?;
    change(
        store,
        lend,
        "[method]bucket.set",
        |view, (bucket, key, value): (_, String, Vec<u8>)| {
            let bucket = view.bucket(&bucket)?;
            Ok(Box::pin(async move { bucket.set(&key, value).await }))
        },
    )?;
    change(store, lend, "[method]bucket.delete", |view, (bucket, key): (_, String)| {
        let bucket = view.bucket(&bucket)?;
        Ok(Box::pin(async move { bucket.delete(&key).await }))
    })?;
    serve(store, lend, "[method]bucket.exists", |view, (bucket, key): (_, String)| {
        Ok(view.bucket(&bucket)?.exists(&key))
    })
}

fn add_batch_writes<T: Send + 'static>(
    batch: &mut LinkerInstance<'_, T>,
    lend: Lend<T>,
) -> wasmtime::Result<()> {
    type Pairs = Vec<(String, Vec<u8>)>;
    change(batch, lend, "set-many", |view, (bucket, pairs): (_, Pairs)| {
        let bucket = view.bucket(&bucket)?;
        Ok(Box::pin(async move {
            for (key, value) in pairs {
                bucket.set(&key, value).await?;
            }
            Ok(())
        }))
    })?;
    change(batch, lend, "delete-many", |view, (bucket, keys): (_, Vec<String>)| {
        let bucket = view.bucket(&bucket)?;
        Ok(Box::pin(async move {
            for key in keys {
                bucket.delete(&key).await?;
            }
            Ok(())
        }))
    })
}

/// A key and the value it had when the handle was made or last lost a race.
#[derive(Debug)]
struct Cas {
    bucket: Bucket,
    key: String,
    seen: Option<Vec<u8>>,
}

fn add_compare_and_swap<T: Send + 'static>(
    atomics: &mut LinkerInstance<'_, T>,
    lend: Lend<T>,
) -> wasmtime::Result<()> {
    atomics.resource("cas", ResourceType::host::<Cas>(), move |mut store, rep| {
        lend(store.data_mut()).table.delete(Resource::<Cas>::new_own(rep))?;
        Ok(())
    })?;
    serve(atomics, lend, "[static]cas.new", |view, (bucket, key): (_, String)| {
        let bucket = view.bucket(&bucket)?;
        let seen = bucket.get(&key);
        Ok(view.table.push(Cas { bucket, key, seen })?)
    })?;
    serve(atomics, lend, "[method]cas.current", |view, (cas,): (Resource<Cas>,)| {
        let cas = view.table.get_mut(&cas)?;
        cas.seen = cas.bucket.get(&cas.key);
        Ok(cas.seen.clone())
    })?;
    atomics.func_wrap_async(
        "swap",
        move |mut store: StoreContextMut<'_, T>, (cas, value): (Resource<Cas>, Vec<u8>)| {
            Box::new(async move {
                let mut cas = lend(store.data_mut()).table.delete(cas)?;
                let outcome = cas.bucket.swap(&cas.key, cas.seen.as_deref(), value).await;
                Ok((match outcome {
                    Ok(true) => Ok(()),
                    Ok(false) => {
                        cas.seen = cas.bucket.get(&cas.key);
                        Err(CasError::CasFailed(lend(store.data_mut()).table.push(cas)?))
                    }
                    Err(error) => Err(CasError::StoreError(error.into())),
                },))
            })
        },
    )
}

/// What a change comes to, once it is kept.
type Kept<R> = Pin<Box<dyn Future<Output = Result<R>> + Send>>;

/// Define one function that changes values, and is done when the change is kept.
fn change<T, P, R>(
    instance: &mut LinkerInstance<'_, T>,
    lend: Lend<T>,
    name: &str,
    act: fn(&mut View<'_>, P) -> Result<Kept<R>>,
) -> wasmtime::Result<()>
where
    T: Send + 'static,
    P: wasmtime::component::ComponentNamedList + Lift + Send + 'static,
    R: ComponentType + Lower + Send + 'static,
{
    instance.func_wrap_async(name, move |mut store: StoreContextMut<'_, T>, params: P| {
        let kept = act(&mut lend(store.data_mut()), params);
        Box::new(async move {
            let outcome = match kept {
                Ok(kept) => kept.await,
                Err(error) => Err(error),
            };
            Ok((outcome.map_err(StoreError::from),))
        })
    })
}

/// Define one function whose core can fail.
fn serve<T, P, R>(
    instance: &mut LinkerInstance<'_, T>,
    lend: Lend<T>,
    name: &str,
    act: fn(&mut View<'_>, P) -> Result<R>,
) -> wasmtime::Result<()>
where
    T: Send + 'static,
    P: wasmtime::component::ComponentNamedList + Lift + Send + 'static,
    R: ComponentType + Lower + Send + 'static,
{
    instance.func_wrap(name, move |mut store: StoreContextMut<'_, T>, params: P| {
        Ok((act(&mut lend(store.data_mut()), params).map_err(StoreError::from),))
    })
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StoreError {
    #[component(name = "no-such-store")]
    #[expect(dead_code, reason = "part of the interface; a bucket is made when it is not there")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "other")]
    Other(String),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error.into_parts() {
            (ErrorKind::Unauthorized, _) => Self::AccessDenied,
            (_, message) => Self::Other(message),
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum CasError {
    #[component(name = "store-error")]
    StoreError(StoreError),
    #[component(name = "cas-failed")]
    CasFailed(Resource<Cas>),
}

/// `key-response`, whose cursor is a number in one spelling and a text in the other.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Keys<C> {
    keys: Vec<String>,
    cursor: Option<C>,
}
