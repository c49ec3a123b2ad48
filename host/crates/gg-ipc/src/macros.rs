//! What the shapes have in common, said once.
//!
//! * `shapes!`: structures. An absent member is left out, never null: the SDK for Python fails on
//!   null where it expects a structure.
//! * `unions!`: objects of which exactly one member is set.
//! * `words!`: closed lists of words.
//!
//! Unknown members are ignored, and null counts as absent.

use crate::blob::Blob;
use crate::document::{Document, ObjectText};
use crate::secret::Secret;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// What a shape can have as a member.
pub(crate) trait Member {
    /// Whether it is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Member for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Member for Blob {}
impl Member for Document {}
impl Member for ObjectText {}
impl Member for String {}
impl Member for Timestamp {}
impl Member for bool {}
impl Member for f64 {}
impl Member for i64 {}
impl Member for u32 {}
impl Member for u64 {}
impl<K, V> Member for BTreeMap<K, V> {}
impl<T> Member for Secret<T> {}
impl<T> Member for Vec<T> {}

/// For a list or map: null is an empty one.
pub(crate) fn or_empty<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Any values of any number of types, and a pattern for them: tuples have no more than a dozen.
#[cfg(test)]
macro_rules! pairs {
    (of) => {
        proptest::strategy::Just(())
    };
    (of $type:ty, $($others:ty,)*) => {
        (proptest::arbitrary::any::<$type>(), pairs!(of $($others,)*))
    };
    (as) => {
        ()
    };
    (as $member:ident, $($others:ident,)*) => {
        ($member, pairs!(as $($others,)*))
    };
}

macro_rules! shapes {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$member_meta:meta])* pub $member:ident: $type:ty, )*
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $(
                $(#[$member_meta])*
                #[serde(skip_serializing_if = "crate::macros::Member::is_absent")]
                pub $member: $type,
            )*
        }

        impl crate::macros::Member for $name {}

        #[cfg(test)]
        impl proptest::arbitrary::Arbitrary for $name {
            type Parameters = ();
            type Strategy = proptest::strategy::BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                use proptest::strategy::Strategy;
                pairs!(of $( $type, )*)
                    .prop_map(|pairs!(as $( $member, )*)| Self { $( $member, )* })
                    .boxed()
            }
        }
    )* };
}

macro_rules! unions {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$member_meta:meta])* $member:ident($type:ty) = $wire:literal, )*
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $( $(#[$member_meta])* $member($type), )*
        }

        impl crate::macros::Member for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut members = serializer.serialize_map(Some(1))?;
                match self {
                    $( Self::$member(value) => members.serialize_entry($wire, value)?, )*
                }
                members.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                #[expect(non_snake_case, reason = "named as the variants")]
                struct Members {
                    $( #[serde(rename = $wire)] $member: Option<$type>, )*
                }
                let members = Members::deserialize(deserializer)?;
                let mut set = [$( members.$member.map(Self::$member), )*].into_iter().flatten();
                match (set.next(), set.next()) {
                    (Some(one), None) => Ok(one),
                    _ => Err(serde::de::Error::custom(concat!(
                        "exactly one member must be set, of:" $(, " ", $wire)*
                    ))),
                }
            }
        }

        #[cfg(test)]
        impl proptest::arbitrary::Arbitrary for $name {
            type Parameters = ();
            type Strategy = proptest::strategy::BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                use proptest::strategy::Strategy;
                proptest::prop_oneof![
                    $( proptest::arbitrary::any::<$type>().prop_map(Self::$member), )*
                ]
                .boxed()
            }
        }
    )* };
}

macro_rules! words {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$word_meta:meta])* $word:ident = $wire:literal, )*
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( $(#[$word_meta])* #[serde(rename = $wire)] $word, )*
        }

        impl crate::macros::Member for $name {}

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$word, )*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$word => $wire, )*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        #[cfg(test)]
        impl proptest::arbitrary::Arbitrary for $name {
            type Parameters = ();
            type Strategy = proptest::sample::Select<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                proptest::sample::select(Self::ALL)
            }
        }
    )* };
}
