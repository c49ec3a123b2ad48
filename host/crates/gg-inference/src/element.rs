//! What a tensor's elements are.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! element_types {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $width:expr, $onnx:literal;)*) => {
        /// What a tensor's elements are. All numbers are little-endian.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
        pub enum ElementType {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ElementType {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name, as `gg:host/inference` has it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Bytes of an element; `None` where each has its own length.
            pub fn width(self) -> Option<usize> {
                match self { $(Self::$name => $width,)* }
            }

            /// The element type with this number in `TensorProto.DataType` (onnx.proto).
            pub fn of_onnx(number: i32) -> Option<Self> {
                match number { $($onnx => Some(Self::$name),)* _ => None }
            }
        }
    };
}

element_types! {
    /// 16-bit floating point.
    Fp16 = "fp16", Some(2), 10;
    /// Brain floating point.
    Bf16 = "bf16", Some(2), 16;
    /// 32-bit floating point.
    Fp32 = "fp32", Some(4), 1;
    /// 64-bit floating point.
    Fp64 = "fp64", Some(8), 11;
    /// 8-bit signed.
    I8 = "i8", Some(1), 3;
    /// 16-bit signed.
    I16 = "i16", Some(2), 5;
    /// 32-bit signed.
    I32 = "i32", Some(4), 6;
    /// 64-bit signed.
    I64 = "i64", Some(8), 7;
    /// 8-bit unsigned.
    U8 = "u8", Some(1), 2;
    /// 16-bit unsigned.
    U16 = "u16", Some(2), 4;
    /// 32-bit unsigned.
    U32 = "u32", Some(4), 12;
    /// 64-bit unsigned.
    U64 = "u64", Some(8), 13;
    /// One byte, 0 or 1.
    Bool = "bool", Some(1), 9;
    /// Texts: each a 32-bit length and so many bytes of UTF-8.
    String = "string", None, 8;
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
