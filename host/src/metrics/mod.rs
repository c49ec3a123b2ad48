//! What is counted of components and of the nucleus, and how it is told.
//!
//! [`Counters`] are counted as things happen; [`Figures`] are a look at all there is, which
//! [`prometheus`] and [`otlp`] write down. Nothing here asks anybody or waits: [`crate::monitor`]
//! does.

mod counters;
mod families;
pub mod otlp;
pub mod prometheus;
#[cfg(test)]
mod tests;
mod usage;

pub use counters::{Counter, Counters, Registry};
pub use families::{Family, Kind, Sample, families};
// As they are asked for.
pub use gg_ipc::shapes::{
    ComponentFigures, Figures, LinkFigures, ModelFigures, NucleusFigures, Reported, SpoolFigures,
};
pub use usage::Usage;
