//! Values by key, in named buckets that belong to one component each. They are in memory, and in
//! the store too if there is one: what a run keeps goes with it.

#[cfg(test)]
mod tests;
pub mod wit;

use super::caller::{Caller, Operation};
use crate::error::{Error, Result};
use crate::store::{Entry, Store};
use gg_model::ComponentName;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest name of a bucket or a key, in bytes.
pub const LONGEST_KEY: usize = 512;

/// Largest value, in bytes.
pub const LARGEST_VALUE: usize = 1 << 20;

/// Most bytes of keys and values of one component.
pub const MOST_BYTES: usize = 16 << 20;

/// Most buckets of one component.
pub const MOST_BUCKETS: usize = 16;

/// Keys on one page of [`Bucket::keys`].
pub const PAGE: usize = 256;

/// All components' buckets. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct KeyValue {
    components: Arc<Mutex<HashMap<ComponentName, Buckets>>>,
    /// Where they are kept; nowhere when `None`.
    store: Option<Store>,
}

#[derive(Debug, Default)]
struct Buckets {
    by_name: HashMap<String, BTreeMap<String, Vec<u8>>>,
    bytes: usize,
}

/// One bucket of the component that opened it.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: KeyValue,
    owner: ComponentName,
    name: String,
}

impl KeyValue {
    /// What a store keeps, and what will be kept there.
    pub fn kept(store: Store, entries: Vec<Entry>) -> Self {
        let mut components: HashMap<ComponentName, Buckets> = HashMap::new();
        for Entry { component, bucket, key, value } in entries {
            let (Ok(component), Some(value)) = (component.parse(), value) else { continue };
            let buckets = components.entry(component).or_default();
            buckets.bytes += key.len() + value.len();
            buckets.by_name.entry(bucket).or_default().insert(key, value);
        }
        Self { components: Arc::new(Mutex::new(components)), store: Some(store) }
    }

    /// Take away everything of a component that is removed from the device.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn remove(&self, component: &ComponentName) -> Result<()> {
        self.lock().remove(component);
        match &self.store {
            Some(store) => store.remove_keyvalues(component.as_str()).await.map_err(not_kept),
            None => Ok(()),
        }
    }

    /// Open one of the caller's buckets; made when it is not there.
    ///
    /// # Errors
    /// Unauthorized; a name or a number of buckets over the limit.
    pub fn open(&self, caller: &Caller, name: &str) -> Result<Bucket> {
        caller.authorize(Operation::AccessKeyValue, caller.name().as_ref())?;
        check_key("bucket name", name)?;
        let bucket =
            Bucket { store: self.clone(), owner: caller.name().clone(), name: name.to_owned() };
        let mut components = self.lock();
        let buckets = components.entry(bucket.owner.clone()).or_default();
        if buckets.by_name.len() >= MOST_BUCKETS && !buckets.by_name.contains_key(name) {
            return Err(Error::unavailable(format!(
                "a component has at most {MOST_BUCKETS} buckets"
            )));
        }
        buckets.by_name.entry(bucket.name.clone()).or_default();
        drop(components);
        Ok(bucket)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ComponentName, Buckets>> {
        self.components.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.with(|_, values| values.get(key).cloned())
    }

    /// Whether a key has a value.
    pub fn exists(&self, key: &str) -> bool {
        self.with(|_, values| values.contains_key(key))
    }

    /// Give a key a value.
    ///
    /// # Errors
    /// A key, a value or the component's bytes over the limit; a store that cannot be written.
    pub async fn set(&self, key: &str, value: Vec<u8>) -> Result<()> {
        self.with(|bytes, values| set(bytes, values, key, value.clone()))?;
        self.keep(key, Some(value)).await
    }

    /// Take a key's value away; no error when it has none.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let gone = self.with(|bytes, values| {
            let old = values.remove(key);
            *bytes -= old.as_ref().map_or(0, |old| key.len() + old.len());
            old.is_some()
        });
        if gone { self.keep(key, None).await } else { Ok(()) }
    }

    /// One page of keys in order: those after `after`.
    pub fn keys(&self, after: Option<&str>) -> Vec<String> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.with(|_, values| {
            let range = values.range::<str, _>((start, Bound::Unbounded));
            range.take(PAGE).map(|(key, _)| key.clone()).collect()
        })
    }

    /// One page of keys in order: those from the `from`th on.
    pub fn keys_from(&self, from: usize) -> Vec<String> {
        self.with(|_, values| values.keys().skip(from).take(PAGE).cloned().collect())
    }

    /// Add to a number, which is kept as decimal text; 0 where there is none yet.
    ///
    /// # Errors
    /// The value is no number, or the sum none of 64 bits.
    pub async fn increment(&self, key: &str, delta: i64) -> Result<i64> {
        let sum = self.with(|bytes, values| {
            let old = match values.get(key) {
                None => 0,
                Some(value) => std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok())
                    .ok_or_else(|| {
                        Error::invalid(format!("the value of {key:?} is not a number"))
                    })?,
            };
            let sum = old.checked_add(delta).ok_or_else(|| {
                Error::invalid(format!("{old} + {delta} does not fit in 64 bits"))
            })?;
            set(bytes, values, key, sum.to_string().into_bytes())?;
            Ok::<_, Error>(sum)
        })?;
        self.keep(key, Some(sum.to_string().into_bytes())).await?;
        Ok(sum)
    }

    /// Give a key a value if its present one is still `expected`; says whether it was.
    ///
    /// # Errors
    /// As [`Bucket::set`].
    pub async fn swap(&self, key: &str, expected: Option<&[u8]>, value: Vec<u8>) -> Result<bool> {
        let swapped = self.with(|bytes, values| {
            if values.get(key).map(Vec::as_slice) != expected {
                return Ok(false);
            }
            set(bytes, values, key, value.clone()).map(|()| true)
        })?;
        if swapped {
            self.keep(key, Some(value)).await?;
        }
        Ok(swapped)
    }

    /// Write what has changed to the store, if there is one.
    async fn keep(&self, key: &str, value: Option<Vec<u8>>) -> Result<()> {
        let Some(store) = &self.store.store else { return Ok(()) };
        let entry = Entry {
            component: self.owner.to_string(),
            bucket: self.name.clone(),
            key: key.to_owned(),
            value,
        };
        store.save_keyvalue(entry).await.map_err(not_kept)
    }

    fn with<T>(&self, act: impl FnOnce(&mut usize, &mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        let mut components = self.store.lock();
        let buckets = components.entry(self.owner.clone()).or_default();
        let values = buckets.by_name.entry(self.name.clone()).or_default();
        act(&mut buckets.bytes, values)
    }
}

fn not_kept(error: crate::store::StoreError) -> Error {
    Error::unavailable(format!("the change could not be kept: {error}"))
}

fn set(
    bytes: &mut usize,
    values: &mut BTreeMap<String, Vec<u8>>,
    key: &str,
    value: Vec<u8>,
) -> Result<()> {
    check_key("key", key)?;
    if value.len() > LARGEST_VALUE {
        return Err(Error::invalid(format!(
            "the value of {key:?} has {} bytes; at most {LARGEST_VALUE} are allowed",
            value.len()
        )));
    }
    let old = values.get(key).map_or(0, |old| key.len() + old.len());
    let after = *bytes - old + key.len() + value.len();
    if after > MOST_BYTES {
        return Err(Error::unavailable(format!(
            "the component's buckets would hold {after} bytes; at most {MOST_BYTES} are allowed"
        )));
    }
    *bytes = after;
    values.insert(key.to_owned(), value);
    Ok(())
}

fn check_key(what: &str, key: &str) -> Result<()> {
    if key.len() > LONGEST_KEY {
        let length = key.len();
        return Err(Error::invalid(format!(
            "the {what} has {length} bytes; at most {LONGEST_KEY} are allowed"
        )));
    }
    Ok(())
}
