//! The two kinds of numbers that trees are made of, and what is done with them.

/// `f32` or `f64`. Two of different kinds are compared as `f64`.
pub(in crate::backend::classical) trait Number:
    Copy + Send + PartialOrd + 'static
{
    /// What is not known.
    const MISSING: Self;
    /// Nought.
    const ZERO: Self;
    /// Whether it is an `f32`.
    const NARROW: bool;

    /// As `f64`.
    fn wide(self) -> f64;

    /// As `f32`.
    fn narrow(self) -> f32;

    /// The nearest to this.
    fn near(wide: f64) -> Self;

    /// The sum.
    fn plus(self, other: Self) -> Self;

    /// A part.
    fn over(self, count: usize) -> Self;

    /// Whether it is not known.
    fn is_missing(self) -> bool;

    /// Compare with a number of any kind.
    #[inline(always)]
    fn compare<T: Number>(
        self,
        other: T,
        narrow: fn(&f32, &f32) -> bool,
        wide: fn(&f64, &f64) -> bool,
    ) -> bool {
        match Self::NARROW && T::NARROW {
            true => narrow(&self.narrow(), &other.narrow()),
            false => wide(&self.wide(), &other.wide()),
        }
    }

    /// `<=`
    #[inline(always)]
    fn at_most<T: Number>(self, other: T) -> bool {
        self.compare(other, f32::le, f64::le)
    }

    /// `<`
    #[inline(always)]
    fn less<T: Number>(self, other: T) -> bool {
        self.compare(other, f32::lt, f64::lt)
    }

    /// `>=`
    #[inline(always)]
    fn at_least<T: Number>(self, other: T) -> bool {
        self.compare(other, f32::ge, f64::ge)
    }

    /// `>`
    #[inline(always)]
    fn greater<T: Number>(self, other: T) -> bool {
        self.compare(other, f32::gt, f64::gt)
    }

    /// `==`
    #[inline(always)]
    fn equal<T: Number>(self, other: T) -> bool {
        self.compare(other, f32::eq, f64::eq)
    }
}

macro_rules! number {
    ($kind:ty, $narrow:literal) => {
        impl Number for $kind {
            const MISSING: Self = Self::NAN;
            const ZERO: Self = 0.0;
            const NARROW: bool = $narrow;

            #[inline(always)]
            fn wide(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn narrow(self) -> f32 {
                self as f32
            }

            fn near(wide: f64) -> Self {
                wide as Self
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }

            fn over(self, count: usize) -> Self {
                self / count as Self
            }

            #[inline(always)]
            fn is_missing(self) -> bool {
                self.is_nan()
            }
        }
    };
}

number!(f32, true);
number!(f64, false);
