//! Who asks: a component, or an operator, and what it may do. Made by the machinery, never by a guest.

use crate::error::{Error, Result};
use gg_model::{AccessPolicy, ComponentName, ComponentVersion, Limits, ResourceStyle, ThingName};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_util::sync::CancellationToken;

macro_rules! operations {
    ($(
        $namespace:literal {$(
            $(#[$doc:meta])*
            $name:ident in $service:literal;
        )*}
    )*) => {
        /// Everything a policy can grant. The services and names of Greengrass where it has them.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Operation {
            $($( $(#[$doc])* $name, )*)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &[Self] = &[$($( Self::$name, )*)*];

            /// The service identifier in `accessControl`.
            pub fn service(self) -> &'static str {
                match self {
                    $($( Self::$name => $service, )*)*
                }
            }

            /// The operation's name in `accessControl`.
            pub fn name(self) -> &'static str {
                match self {
                    $($( Self::$name => concat!($namespace, "#", stringify!($name)), )*)*
                }
            }
        }
    };
}

operations! {
    "aws.greengrass" {
        /// Read or write the component's own key-value stores.
        AccessKeyValue in "gg.host.keyvalue";
        /// Call a local deployment off; the resource is `*`.
        CancelLocalDeployment in "aws.greengrass.Cli";
        /// Make a password for people; the resource is `*`.
        CreateDebugPassword in "aws.greengrass.Cli";
        /// Ask for a local deployment; the resource is `*`.
        CreateLocalDeployment in "aws.greengrass.Cli";
        /// Put a deployment off that was announced; the resource is the component.
        DeferComponentUpdate in "aws.greengrass.ipc.lifecycle";
        /// Look at a component; the resource is its name.
        GetComponentDetails in "aws.greengrass.Cli";
        /// Have credentials of AWS; the resource is `*`.
        GetCredentials in "aws.greengrass.TokenExchangeService";
        /// Read a configuration; the resource is the component it belongs to.
        GetConfiguration in "gg.host.configuration";
        /// Delete a shadow; the resource is the beginning of its topics.
        DeleteThingShadow in "aws.greengrass.ShadowManager";
        /// Look at a local deployment; the resource is its identity.
        GetLocalDeploymentStatus in "aws.greengrass.Cli";
        /// Read a secret; the resource is its ARN, or its name.
        GetSecretValue in "aws.greengrass.SecretManager";
        /// Read or watch a shadow; the resource is the beginning of its topics.
        GetThingShadow in "aws.greengrass.ShadowManager";
        /// Look at all components; the resource is `*`.
        ListComponents in "aws.greengrass.Cli";
        /// Look at all local deployments; the resource is `*`.
        ListLocalDeployments in "aws.greengrass.Cli";
        /// Read the names of a thing's shadows; the resource is the thing's name.
        ListNamedShadowsForThing in "aws.greengrass.ShadowManager";
        /// Halt a component; the resource is its name.
        PauseComponent in "aws.greengrass.ipc.lifecycle";
        /// Publish to a topic of the cloud; the resource is the topic.
        PublishToIoTCore in "aws.greengrass.ipc.mqttproxy";
        /// Publish to a local topic; the resource is the topic.
        PublishToTopic in "aws.greengrass.ipc.pubsub";
        /// Watch a configuration; the resource is the component it belongs to.
        SubscribeToConfigurationUpdate in "gg.host.configuration";
        /// Report a metric; the resource is the metric's name.
        PutComponentMetric in "aws.greengrass.ipc.componentmetric";
        /// Restart a component; the resource is its name.
        RestartComponent in "aws.greengrass.Cli";
        /// Let a component go on that was halted; the resource is its name.
        ResumeComponent in "aws.greengrass.ipc.lifecycle";
        /// Answer what a deployment proposes; the resource is the component.
        SendConfigurationValidityReport in "gg.host.configuration";
        /// Stop a component; the resource is its name.
        StopComponent in "aws.greengrass.Cli";
        /// Be told of deployments; the resource is the component.
        SubscribeToComponentUpdates in "aws.greengrass.ipc.lifecycle";
        /// Subscribe to topics of the cloud; the resource is the filter.
        SubscribeToIoTCore in "aws.greengrass.ipc.mqttproxy";
        /// Subscribe to local topics; the resource is the filter as text.
        SubscribeToTopic in "aws.greengrass.ipc.pubsub";
        /// Be asked before a deployment changes the configuration; the resource is the component.
        SubscribeToValidateConfigurationUpdates in "gg.host.configuration";
        /// Change a configuration; the resource is the component it belongs to.
        UpdateConfiguration in "gg.host.configuration";
        /// Report a state; the resource is the component.
        UpdateState in "aws.greengrass.ipc.lifecycle";
        /// Change a shadow; the resource is the beginning of its topics.
        UpdateThingShadow in "aws.greengrass.ShadowManager";
        /// Write log records; the resource is the component.
        WriteLog in "gg.host.logging";
    }
    "gg.host" {
        /// Ask how much is logged; the resource is `*`.
        GetLogLevel in "gg.host";
        /// Look at everything that is measured; the resource is `*`.
        GetMetrics in "gg.host";
        /// Have a model loaded that the component brings itself; the resource is `*`.
        LoadModel in "gg.host.inference";
        /// Ask what a local deployment would do; the resource is `*`.
        PlanLocalDeployment in "gg.host";
        /// Look at a model or ask it for predictions; the resource is its name.
        RunInference in "gg.host.inference";
        /// Change how much is logged; the resource is `*`.
        SetLogLevel in "gg.host";
        /// Watch a local deployment; the resource is its identity.
        SubscribeToLocalDeploymentStatus in "gg.host";
    }
}

impl Operation {
    /// How the resources of a policy are compared with what is asked for: topics of the cloud as
    /// filters, all else as text.
    pub fn style(self) -> ResourceStyle {
        match self {
            Self::PublishToIoTCore | Self::SubscribeToIoTCore => ResourceStyle::Mqtt,
            _ => ResourceStyle::Standard,
        }
    }
}

/// Room for a bit for each operation.
const OPERATION_BITS: u32 = 48;
const _: () = assert!(Operation::ALL.len() <= OPERATION_BITS as usize, "a bit for each");

/// What every component may do without a word in its recipe, unless the operator denies all:
/// its own configuration, state, log and key-value stores. Greengrass asks for no policy there
/// either; here it is one that can be taken away.
pub fn own_affairs(component: &ComponentName) -> AccessPolicy {
    use Operation as O;
    let mut policy = AccessPolicy::default();
    // Those of one service stand together, and become one rule.
    let own = [
        O::AccessKeyValue,
        O::GetConfiguration,
        O::SendConfigurationValidityReport,
        O::SubscribeToConfigurationUpdate,
        O::SubscribeToValidateConfigurationUpdates,
        O::UpdateConfiguration,
        O::DeferComponentUpdate,
        O::SubscribeToComponentUpdates,
        O::UpdateState,
        O::WriteLog,
    ];
    for operations in own.chunk_by(|one, other| one.service() == other.service()) {
        let names: Vec<&str> = operations.iter().map(|operation| operation.name()).collect();
        // A component's name holds no character that means something in a pattern.
        let _infallible = policy.allow_all(operations[0].service(), &names, component.as_ref());
    }
    policy
}

/// A component as the capabilities know it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    component: Arc<Component>,
    stop: CancellationToken,
    up: CancellationToken,
}

#[derive(Debug)]
struct Component {
    name: ComponentName,
    version: ComponentVersion,
    thing: ThingName,
    limits: Limits,
    policy: RwLock<Arc<AccessPolicy>>,
    /// Counts the changes of `policy`, so that a remembered decision can be told from a stale one.
    generation: AtomicU64,
    /// What the policy is known to grant on the component itself: a bit for each operation, above
    /// them the generation of the policy that was asked.
    known: AtomicU64,
    subscriptions: AtomicU32,
    watches: AtomicU32,
    /// Bytes that wait in its queues.
    waiting: Arc<AtomicU64>,
    /// Bytes of the tensors that the host keeps for it.
    tensors: Arc<AtomicU64>,
    /// The operations that were refused so far, a bit each.
    refused: AtomicU64,
    /// One instance is being replaced by the next.
    handing_over: AtomicBool,
    /// Its processes are halted.
    paused: AtomicBool,
}

impl Caller {
    /// A component with its policy and limits.
    pub fn new(
        name: ComponentName,
        version: ComponentVersion,
        thing: ThingName,
        policy: impl Into<Arc<AccessPolicy>>,
        limits: Limits,
    ) -> Self {
        Self {
            component: Arc::new(Component {
                name,
                version,
                thing,
                limits,
                policy: RwLock::new(policy.into()),
                generation: AtomicU64::new(0),
                known: AtomicU64::new(0),
                subscriptions: AtomicU32::new(0),
                watches: AtomicU32::new(0),
                refused: AtomicU64::new(0),
                waiting: Arc::new(AtomicU64::new(0)),
                tensors: Arc::new(AtomicU64::new(0)),
                handing_over: AtomicBool::new(false),
                paused: AtomicBool::new(false),
            }),
            stop: CancellationToken::new(),
            up: CancellationToken::new(),
        }
    }

    /// A person beside the components, who may do everything: `user-1000`, for example.
    pub fn operator(who: &str, thing: ThingName) -> Self {
        let mut policy = AccessPolicy::default();
        for operation in Operation::ALL {
            // `*` is a pattern.
            let _infallible = policy.allow(operation.service(), operation.name(), "*");
        }
        let limits = Limits { subscriptions: 1000, ..Limits::default() };
        Self::new(ComponentName::of_operator(who), ComponentVersion::ZERO, thing, policy, limits)
    }

    /// The same component, for an instance with a stop signal of its own.
    pub fn instance(&self) -> Self {
        let (stop, up) = (CancellationToken::new(), CancellationToken::new());
        Self { component: Arc::clone(&self.component), stop, up }
    }

    /// The component's name.
    pub fn name(&self) -> &ComponentName {
        &self.component.name
    }

    /// The component's version.
    pub fn version(&self) -> &ComponentVersion {
        &self.component.version
    }

    /// The core device's name.
    pub fn thing(&self) -> &ThingName {
        &self.component.thing
    }

    /// The component's limits.
    pub fn limits(&self) -> &Limits {
        &self.component.limits
    }

    /// Ask this instance to stop: its waits end.
    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// The signal that this instance is asked to stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// This instance has said that it is up.
    pub fn say_up(&self) {
        self.up.cancel();
    }

    /// See [`Caller::say_up`].
    pub fn has_said_up(&self) -> bool {
        self.up.is_cancelled()
    }

    /// Whether one instance of the component is being replaced by the next: the subscriptions of
    /// the one are kept for the other.
    pub fn set_handing_over(&self, handing_over: bool) {
        self.component.handing_over.store(handing_over, Ordering::SeqCst);
    }

    /// See [`Caller::set_handing_over`].
    pub fn is_handing_over(&self) -> bool {
        self.component.handing_over.load(Ordering::SeqCst)
    }

    /// Whether the component is halted, and cannot do what is expected of it.
    pub fn set_paused(&self, paused: bool) {
        self.component.paused.store(paused, Ordering::SeqCst);
    }

    /// See [`Caller::set_paused`].
    pub fn is_paused(&self) -> bool {
        self.component.paused.load(Ordering::SeqCst)
    }

    /// Replace what the component may do; takes effect with its next call.
    pub fn set_policy(&self, policy: impl Into<Arc<AccessPolicy>>) {
        *self.component.policy.write().unwrap_or_else(PoisonError::into_inner) = policy.into();
        self.component.generation.fetch_add(1, Ordering::Release);
    }

    /// Changes whenever the policy does.
    pub(crate) fn policy_generation(&self) -> u64 {
        self.component.generation.load(Ordering::Acquire)
    }

    /// Whether the policy grants an operation on a resource.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Unauthorized`], with the words that would grant it.
    pub fn authorize(&self, operation: Operation, resource: &str) -> Result<()> {
        let own = resource == self.component.name.as_ref();
        // Read before the policy: what is remembered is never older than it says.
        let generation = self.policy_generation() << OPERATION_BITS;
        let known = self.component.known.load(Ordering::Relaxed);
        let bit = 1 << operation as u64;
        let current = known >> OPERATION_BITS == generation >> OPERATION_BITS;
        if own && current && known & bit != 0 {
            return Ok(());
        }
        if self.may(operation, resource) {
            if own {
                let others = if current { known } else { generation };
                self.component.known.store(others | bit, Ordering::Relaxed);
            }
            return Ok(());
        }
        Err(self.refusal(operation, resource))
    }

    /// The same where the resource has two names; a grant of either will do.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Unauthorized`], with the words that would grant the first.
    pub fn authorize_either(&self, operation: Operation, resources: [&str; 2]) -> Result<()> {
        match resources.iter().any(|resource| self.may(operation, resource)) {
            true => Ok(()),
            false => Err(self.refusal(operation, resources[0])),
        }
    }

    /// Whether the policy grants an operation on a resource, where nobody is refused.
    pub(crate) fn may(&self, operation: Operation, resource: &str) -> bool {
        let policy =
            Arc::clone(&self.component.policy.read().unwrap_or_else(PoisonError::into_inner));
        let (service, name) = (operation.service(), operation.name());
        policy.allows(service, name, resource, operation.style())
    }

    fn refusal(&self, operation: Operation, resource: &str) -> Error {
        self.warn_once(operation, resource);
        let (service, name) = (operation.service(), operation.name());
        Error::unauthorized(format!(
            "{component} is not authorized to perform {name} on {resource:?}; grant it under \
             accessControl.{service} in its configuration, or for a run with \
             --allow '{service}:{name}:{resource}'",
            component = self.name(),
        ))
    }

    /// A component may keep its refusals to itself; the operator hears of the first of each kind.
    fn warn_once(&self, operation: Operation, resource: &str) {
        let bit = 1 << (operation as u64);
        if self.component.refused.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            let resource = crate::logs::presentable(resource, 200);
            tracing::warn!(component = %self.name(), operation = operation.name(), %resource, "not granted");
        }
    }

    /// The bytes that the messages in its queues may take, all together.
    pub(crate) fn queue_budget(&self) -> Budget {
        Budget { used: Arc::clone(&self.component.waiting), limit: self.limits().queue_bytes }
    }

    /// The bytes that tensors may take which the host keeps for it: as many as its own memory.
    pub(crate) fn tensor_budget(&self) -> Budget {
        Budget { used: Arc::clone(&self.component.tensors), limit: self.limits().memory }
    }

    /// Take one of the subscriptions the limits allow.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Unavailable`] when all are taken.
    pub(crate) fn take_subscription(&self) -> Result<Slot> {
        Slot::take(&self.component, Which::Subscription, self.limits().subscriptions)
    }

    /// Take one of the watches the limits allow.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Unavailable`] when all are taken.
    pub(crate) fn take_watch(&self) -> Result<Slot> {
        Slot::take(&self.component, Which::Watch, self.limits().watches)
    }
}

#[derive(Clone, Copy, Debug)]
enum Which {
    Subscription,
    Watch,
}

impl Component {
    fn open(&self, which: Which) -> &AtomicU32 {
        match which {
            Which::Subscription => &self.subscriptions,
            Which::Watch => &self.watches,
        }
    }
}

/// One of a limited number of things a component may have open; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    component: Arc<Component>,
    which: Which,
}

impl Slot {
    fn take(component: &Arc<Component>, which: Which, limit: u32) -> Result<Self> {
        let taken =
            component.open(which).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
                (open < limit).then_some(open + 1)
            });
        if taken.is_err() {
            let name = match which {
                Which::Subscription => "subscriptions",
                Which::Watch => "watches",
            };
            return Err(Error::unavailable(component.limits.exceeded(name, None).to_string()));
        }
        Ok(Self { component: Arc::clone(component), which })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.component.open(self.which).fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that several users take from and give back to.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    used: Arc<AtomicU64>,
    limit: u64,
}

impl Budget {
    /// Take so many bytes, if they are left.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.limit;
        if !fits {
            self.give(bytes);
        }
        fits
    }

    /// Give so many bytes back.
    pub(crate) fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
