//! A component's own life: its state, and updates that it is told of.

shapes! {
    /// Report the caller's own state.
    pub struct UpdateStateRequest {
        /// The state.
        pub state: ReportedLifecycleState,
    }

    /// The report is taken.
    pub struct UpdateStateResponse {}

    /// Ask to be told before deployments begin and after they end.
    pub struct SubscribeToComponentUpdatesRequest {}

    /// Announcements follow.
    pub struct SubscribeToComponentUpdatesResponse {}

    /// A deployment is about to begin, and waits for
    /// [`DeferComponentUpdate`](crate::operation::call::DeferComponentUpdate).
    pub struct PreComponentUpdateEvent {
        /// The deployment.
        pub deployment_id: String,
        /// Whether the nucleus restarts; then no event tells of the end.
        pub is_ggc_restarting: bool,
    }

    /// A deployment has ended.
    pub struct PostComponentUpdateEvent {
        /// The deployment.
        pub deployment_id: String,
    }

    /// Answer an announcement.
    pub struct DeferComponentUpdateRequest {
        /// The deployment.
        pub deployment_id: String,
        /// Why it is put off.
        pub message: Option<String>,
        /// When to announce it again, in milliseconds; 0 agrees to it, and absent is no answer.
        pub recheck_after_ms: Option<u64>,
    }

    /// The answer is taken.
    pub struct DeferComponentUpdateResponse {}
}

unions! {
    /// What a subscriber gets.
    pub enum ComponentUpdatePolicyEvents {
        /// A deployment is about to begin.
        PreUpdateEvent(PreComponentUpdateEvent) = "preUpdateEvent",
        /// A deployment has ended.
        PostUpdateEvent(PostComponentUpdateEvent) = "postUpdateEvent",
    }
}

words! {
    /// What a component may report of itself.
    pub enum ReportedLifecycleState {
        /// It has started.
        Running = "RUNNING",
        /// It failed, and is to be started again.
        Errored = "ERRORED",
    }
}
