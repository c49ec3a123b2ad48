//! Machine-learning models, each in a worker process of its own: a model file is outside input, and
//! engines are not written for hostile ones. What a model does wrong costs it its worker, and nobody
//! else anything.

/// The backends of a worker, in the order of preference.
pub const BACKENDS: &[&str] = &[
    "classical",
    #[cfg(feature = "tract")]
    "tract",
    #[cfg(feature = "tract")]
    "tract-unoptimised",
];

pub mod confine;
mod line;
pub mod worker;
