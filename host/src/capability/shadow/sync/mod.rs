//! Keeps shadows in step with those in the cloud: which of them, in which direction and when says
//! the configuration of shadow manager; what is to be done says [`gg_model::shadow::plan_sync`].
//!
//! Nothing is queued that could be lost. A shadow is out of step when its version here, or that
//! there, is another than when both last were in step, which the store remembers. So each is looked
//! at when either side says that it has changed, and all of them whenever the link comes up: what
//! was done while it was down is found then, after a restart as well.

mod due;
mod exchange;
mod step;

pub(super) use due::Due;

use super::Shadows;
use crate::cloud::{Deliver, Link, LinkState, LinkSubscription, Qos};
use crate::tasks::Tasks;
use exchange::Exchange;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use gg_model::shadow::{
    ShadowId, ShadowOperation, ShadowTopic, Suffix, SyncStrategy, client_token,
};
use gg_model::{ThingName, TopicFilter};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use step::Trouble;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Shadows that are brought in step at one time. AWS IoT answers ten requests of a connection at a
/// time (429).
const AT_ONE_TIME: usize = 8;

/// How long after subscriptions were refused they are asked for again.
const SUBSCRIBE_AGAIN: Duration = Duration::from_secs(60);

/// Keeps shadows in step with the cloud.
#[derive(Debug)]
pub struct Sync {
    shadows: Shadows,
    link: Link,
    thing: ThingName,
    due: Arc<Due>,
    exchange: Arc<Exchange>,
    /// The things whose topics are subscribed to.
    subscriptions: HashMap<ThingName, LinkSubscription>,
    subscribe_at: Option<Instant>,
}

impl Sync {
    /// Keep the shadows in step that the configuration names, for a core device of this name, until
    /// asked to stop.
    pub fn start(
        shadows: &Shadows,
        link: &Link,
        thing: ThingName,
        tasks: &Tasks,
        stop: CancellationToken,
    ) {
        let due = Arc::clone(shadows.inner.due.get_or_init(Arc::default));
        let exchange = Arc::new(Exchange::new(link.clone()));
        let sync = Self {
            shadows: shadows.clone(),
            link: link.clone(),
            thing,
            due,
            exchange,
            subscriptions: HashMap::new(),
            subscribe_at: None,
        };
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = sync.serve() => {}
            }
        });
    }

    async fn serve(mut self) {
        let mut settings = self.shadows.inner.settings.subscribe();
        let (mut told, mut wanted, mut things) = (None, BTreeSet::new(), BTreeSet::new());
        let mut link = self.link.watch();
        let (mut is_up, mut connections) = (false, 0);
        let mut under_way = FuturesUnordered::new();
        // When those may begin that are due, and which have had their turn of a period since: what
        // changes meanwhile waits for the next.
        let (mut begin, mut begun) = (Instant::now(), BTreeSet::new());
        loop {
            let present = Arc::clone(&settings.borrow_and_update());
            let is_told = told.as_ref().is_none_or(|told| !Arc::ptr_eq(told, &present));
            told = Some(Arc::clone(&present));
            if is_told {
                wanted = present.synchronized(&self.thing);
                things = wanted.iter().map(|id| id.thing.clone()).collect();
                begin = Instant::now();
            }
            let was_up = std::mem::replace(&mut is_up, *link.borrow_and_update() == LinkState::Up);
            // It may have been down in between, and messages may have gone by.
            let connected = self.link.counters().connections.total();
            let is_another = std::mem::replace(&mut connections, connected) != connected;
            let all = is_up && (!was_up || is_another);
            // There may be thousands.
            if is_told || all {
                self.due.keep(&wanted, all);
            }
            if was_up && !is_up {
                self.exchange.give_up();
            }
            if is_up {
                self.subscribe(&things).await;
            }
            let now = Instant::now();
            if is_up && now >= begin {
                let room = AT_ONE_TIME.saturating_sub(under_way.len());
                let period = match present.strategy {
                    SyncStrategy::RealTime => None,
                    SyncStrategy::Periodic(delay) => Some(delay),
                };
                for (id, asked) in self.due.take(room, now, |id| !begun.contains(id)) {
                    if period.is_some() {
                        begun.insert(id.clone());
                    }
                    let (shadows, exchange) = (self.shadows.clone(), Arc::clone(&self.exchange));
                    under_way.push(async move {
                        let outcome = step::bring(&shadows, &exchange, &id, asked).await;
                        (id, outcome)
                    });
                }
                if under_way.is_empty() {
                    begin = now + period.unwrap_or_default();
                    begun.clear();
                }
            }
            let next = [self.due.next(now), self.subscribe_at, Some(begin)];
            let next = next.into_iter().flatten().filter(|at| *at > now).min();
            let wait = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = settings.changed() => if changed.is_err() { return },
                changed = link.changed() => if changed.is_err() { return },
                () = self.due.news() => {}
                Some((id, outcome)) = under_way.next(), if !under_way.is_empty() => {
                    self.ended(id, outcome);
                }
                () = wait => {}
            }
        }
    }

    fn ended(&self, id: ShadowId, outcome: Result<(), Trouble>) {
        match outcome {
            Ok(()) => self.due.done(&id),
            Err(Trouble::Again) => self.due.again(id),
            Err(Trouble::Later(reason)) => {
                tracing::debug!(shadow = %id, reason, "not in step with the cloud yet");
                self.due.later(id);
            }
            Err(Trouble::Never(reason)) => {
                tracing::warn!(shadow = %id, reason, "cannot be brought in step with the cloud");
                self.due.done(&id);
            }
        }
    }

    /// Subscribe to the topics of all things whose shadows are wanted, and to no others.
    async fn subscribe(&mut self, things: &BTreeSet<ThingName>) {
        self.subscriptions.retain(|thing, _| things.contains(thing));
        if self.subscribe_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        self.subscribe_at = None;
        for thing in things {
            if self.subscriptions.contains_key(thing) {
                continue;
            }
            // One for all shadows of a thing: AWS IoT grants few to a connection.
            let filter = format!("$aws/things/{thing}/shadow/#");
            let Ok(filter) = filter.parse::<TopicFilter>() else { continue };
            match self.link.subscribe(&filter, Qos::AtLeastOnce, self.deliver()).await {
                Ok(subscription) => drop(self.subscriptions.insert(thing.clone(), subscription)),
                Err(error) => {
                    tracing::warn!(%filter, %error, "shadows are not kept in step with the cloud");
                    self.subscribe_at = Some(Instant::now() + SUBSCRIBE_AGAIN);
                }
            }
        }
    }

    /// Takes what comes from the cloud: an answer, or that somebody has changed a shadow.
    fn deliver(&self) -> Deliver {
        let (due, exchange) = (Arc::clone(&self.due), Arc::clone(&self.exchange));
        Arc::new(move |publication| {
            let Some(topic) = ShadowTopic::parse(&publication.topic) else { return };
            let ShadowTopic { shadow, operation, suffix } = topic;
            let is_done = match suffix {
                Some(Suffix::Accepted) => true,
                Some(Suffix::Rejected) => false,
                _ => return,
            };
            let token = client_token(&publication.payload);
            let is_ours = token.is_some_and(|token| {
                exchange.answered(&token, is_done, publication.payload.clone())
            });
            if !is_ours && is_done && operation != ShadowOperation::Get {
                due.changed_there(&shadow);
            }
        })
    }
}
