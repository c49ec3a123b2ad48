//! How many requests are served: of all, and for each thing (`rateLimits` of shadow manager).

use crate::cloud::rate::Bucket;
use gg_model::ThingName;
use gg_model::shadow::ShadowSettings;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Things that are remembered before those are forgotten that ask for nothing.
const MANY_THINGS: usize = 1024;

/// What is left of the rates.
#[derive(Debug, Default)]
pub(super) struct Rates {
    all: Option<Bucket>,
    things: HashMap<ThingName, (Bucket, Instant)>,
    /// The rates that they were made for.
    made_for: (u32, u32),
}

impl Rates {
    /// Take one request for a thing; says whether there was one left.
    pub(super) fn take(
        &mut self,
        thing: &ThingName,
        now: Instant,
        settings: &ShadowSettings,
    ) -> bool {
        let rates = (settings.total_rate, settings.thing_rate);
        if self.made_for != rates {
            *self = Self { made_for: rates, ..Self::default() };
        }
        if self.things.len() >= MANY_THINGS && !self.things.contains_key(thing) {
            // After a second, all has come back.
            let lately = |asked: Instant| now.duration_since(asked) < Duration::from_secs(1);
            self.things.retain(|_, (_, asked)| lately(*asked));
        }
        let bucket = |rate: u32| Bucket::new(Some(rate.into()), now);
        let all = self.all.get_or_insert_with(|| bucket(rates.0));
        let new = || (bucket(rates.1), now);
        let (own, asked) = self.things.entry(thing.clone()).or_insert_with(new);
        *asked = now;
        // What one thing is refused takes nothing from the others.
        let there_is = own.wait(1, now).is_zero() && all.wait(1, now).is_zero();
        if there_is {
            own.take(1);
            all.take(1);
        }
        there_is
    }
}
