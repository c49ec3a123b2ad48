//! What several tests share: any values of the types that shapes are made of, and the frames that
//! real clients and servers send.

use crate::blob::Blob;
use crate::document::{Document, ObjectText};
use crate::operation::Shape;
use crate::payload::Payload;
use crate::secret::Secret;
use crate::timestamp::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

/// CONNECT of the SDK for Python with the token `TOK`.
pub(crate) const CONNECT: &str = "0000006c0000004841e78c87083a76657273696f6e070005302e312e300d3a6d\
    6573736167652d7479706504000000040e3a6d6573736167652d666c61677304000000000a3a73747265616d2d6964\
    04000000007b2261757468546f6b656e223a2022544f4b227d18fbe912";

/// CONNECT_ACK that lets in.
pub(crate) const CONNECT_ACK: &str = "0000004700000037374cfe3f0d3a6d6573736167652d7479706504000000\
    050e3a6d6573736167652d666c61677304000000010a3a73747265616d2d69640400000000e237e27d";

/// The end of stream 7.
pub(crate) const END_OF_7: &str = "0000004700000037374cfe3f0d3a6d6573736167652d7479706504000000000e\
    3a6d6573736167652d666c61677304000000020a3a73747265616d2d69640400000007c16a6dfa";

/// The response to PublishToTopic on stream 1.
pub(crate) const PUBLISHED: &str = "000000a500000093b4e30d710d3a6d6573736167652d747970650400000000\
    0e3a6d6573736167652d666c61677304000000020a3a73747265616d2d696404000000010d3a636f6e74656e742d74\
    7970650700106170706c69636174696f6e2f6a736f6e12736572766963652d6d6f64656c2d74797065070025617773\
    2e677265656e6772617373235075626c697368546f546f706963526573706f6e73657b7d24a633bd";

/// A frame of nothing.
pub(crate) const SMALLEST: &str = "000000100000000005c248eb7d98c8ff";

/// All of them.
pub(crate) const VECTORS: [&str; 5] = [CONNECT, CONNECT_ACK, END_OF_7, PUBLISHED, SMALLEST];

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: char| u8::try_from(c.to_digit(16).unwrap()).unwrap();
    let digits: Vec<u8> = text.chars().map(digit).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Something to be tested with every shape.
pub(crate) trait ShapeVisitor {
    fn visit<T: Shape + Arbitrary>(&mut self, name: &str);
}

pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..64)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect())
        ]
    })
}

macro_rules! arbitrary {
    ($( $type:ty: $strategy:expr; )*) => { $(
        impl Arbitrary for $type {
            type Parameters = ();
            type Strategy = BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                $strategy.boxed()
            }
        }
    )* };
}

arbitrary! {
    Blob: any_bytes().prop_map(Self::from);
    Document: btree_map(any::<String>(), any_json(), 0..4)
        .prop_map(|members| Self(members.into_iter().collect()));
    ObjectText: any::<Document>()
        .prop_map(|document| Self::parse(serde_json::to_string(&document).unwrap()).unwrap());
    Payload: any_bytes().prop_map(|bytes| Self(bytes.into()));
    Secret<Blob>: any::<Blob>().prop_map(Self::new);
    Secret<String>: any::<String>().prop_map(Self::new);
    Timestamp: any::<i64>().prop_map(Self::from_millis);
}
