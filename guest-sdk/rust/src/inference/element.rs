//! What the elements of a tensor are in Rust.

use super::ElementType;

/// A type that the elements of a tensor can have. Strings are not among them: see
/// [`text`](super::Tensor::text).
pub trait Element: Copy + sealed::Bytes {
    /// Its name in the WIT package.
    const TYPE: ElementType;
}

pub(super) mod sealed {
    /// As the host has it: numbers are little-endian.
    pub trait Bytes: Sized {
        /// So many.
        const SIZE: usize;
        /// Append it.
        fn put(self, bytes: &mut Vec<u8>);
        /// From so many bytes.
        fn take(bytes: &[u8]) -> Self;
    }
}

macro_rules! numbers {
    ($($number:ty: $element:ident),* $(,)?) => { $(
        impl sealed::Bytes for $number {
            const SIZE: usize = size_of::<Self>();

            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn take(bytes: &[u8]) -> Self {
                bytes.try_into().map(Self::from_le_bytes).unwrap_or_default()
            }
        }

        impl Element for $number {
            const TYPE: ElementType = ElementType::$element;
        }
    )* };
}

numbers! {
    f32: Fp32, f64: Fp64,
    i8: I8, i16: I16, i32: I32, i64: I64,
    u8: U8, u16: U16, u32: U32, u64: U64,
}

impl sealed::Bytes for bool {
    const SIZE: usize = 1;

    fn put(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }

    fn take(bytes: &[u8]) -> Self {
        bytes != [0]
    }
}

impl Element for bool {
    const TYPE: ElementType = ElementType::Boolean;
}

macro_rules! halves {
    ($($(#[$doc:meta])* $half:ident: $element:ident, $widen:ident, $round:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct $half(
            /// Its bits.
            pub u16,
        );

        impl From<f32> for $half {
            fn from(number: f32) -> Self {
                Self($round(number))
            }
        }

        impl From<$half> for f32 {
            fn from(half: $half) -> Self {
                $widen(half.0)
            }
        }

        impl sealed::Bytes for $half {
            const SIZE: usize = 2;

            fn put(self, bytes: &mut Vec<u8>) {
                self.0.put(bytes);
            }

            fn take(bytes: &[u8]) -> Self {
                Self(sealed::Bytes::take(bytes))
            }
        }

        impl Element for $half {
            const TYPE: ElementType = ElementType::$element;
        }
    )* };
}

halves! {
    /// A 16-bit floating-point number, to be made of an `f32` and turned into one.
    F16: Fp16, widen_f16, round_f16;
    /// A brain floating-point number, to be made of an `f32` and turned into one.
    Bf16: Bf16, widen_bf16, round_bf16;
}

fn widen_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// To the nearest, and where two are as near, to the even one.
fn round_bf16(number: f32) -> u16 {
    let bits = number.to_bits();
    if number.is_nan() {
        return high(bits) | 0x40;
    }
    high(bits + 0x7fff + (bits >> 16 & 1))
}

fn widen_f16(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        // Multiples of the smallest one, 2 to the power of -24.
        0 => f32::from(fraction) * f32::from_bits(0x3380_0000),
        0x1f => f32::from_bits(0x7f80_0000 | u32::from(fraction) << 13),
        _ => f32::from_bits((u32::from(exponent) + 112) << 23 | u32::from(fraction) << 13),
    };
    if sign == 0 { magnitude } else { -magnitude }
}

/// To the nearest, and where two are as near, to the even one.
fn round_f16(number: f32) -> u16 {
    let bits = number.to_bits();
    let sign = high(bits) & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    let half = match magnitude {
        0x7f80_0001.. => 0x7e00,
        // From halfway between the largest one and the next there would be.
        0x477f_f000.. => 0x7c00,
        // The same exponent, counted from elsewhere; what is cut off rounds.
        0x3880_0000.. => (magnitude - 0x3800_0000 + 0xfff + (magnitude >> 13 & 1)) >> 13,
        // Added to 0.5, whose last bit counts as much as the smallest one.
        _ => (f32::from_bits(magnitude) + 0.5).to_bits() - 0x3f00_0000,
    };
    sign | high(half << 16)
}

fn high(bits: u32) -> u16 {
    (bits >> 16) as u16
}
