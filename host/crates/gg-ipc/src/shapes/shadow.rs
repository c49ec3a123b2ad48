//! Shadows of things. Their documents are bytes here.

use crate::blob::Blob;
use crate::macros::or_empty;
use crate::timestamp::Timestamp;

shapes! {
    /// Ask for a shadow.
    pub struct GetThingShadowRequest {
        /// The thing.
        pub thing_name: String,
        /// The shadow; absent or empty, the classic one.
        pub shadow_name: Option<String>,
    }

    /// A shadow.
    pub struct GetThingShadowResponse {
        /// Its document.
        pub payload: Blob,
    }

    /// Change a shadow.
    pub struct UpdateThingShadowRequest {
        /// The thing.
        pub thing_name: String,
        /// The shadow; absent or empty, the classic one.
        pub shadow_name: Option<String>,
        /// What to change, as a document.
        pub payload: Blob,
    }

    /// It is changed.
    pub struct UpdateThingShadowResponse {
        /// What changed, as a document.
        pub payload: Blob,
    }

    /// Delete a shadow.
    pub struct DeleteThingShadowRequest {
        /// The thing.
        pub thing_name: String,
        /// The shadow; absent or empty, the classic one.
        pub shadow_name: Option<String>,
    }

    /// It is deleted.
    pub struct DeleteThingShadowResponse {
        /// Nothing.
        pub payload: Blob,
    }

    /// Ask for the names of a thing's shadows.
    pub struct ListNamedShadowsForThingRequest {
        /// The thing.
        pub thing_name: String,
        /// Where the last answer ended.
        pub next_token: Option<String>,
        /// How many at most, 1 to 100; absent, 25.
        pub page_size: Option<u32>,
    }

    /// Names of a thing's shadows.
    pub struct ListNamedShadowsForThingResponse {
        /// Them.
        #[serde(default, deserialize_with = "or_empty")]
        pub results: Vec<String>,
        /// As of when.
        pub timestamp: Timestamp,
        /// For more, if there may be any.
        pub next_token: Option<String>,
    }
}
