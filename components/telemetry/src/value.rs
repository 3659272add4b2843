//! The value of a field: borrowed, so that a line costs one allocation.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Text, escaped when it is written.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// A whole number that may be large.
    Unsigned(u64),
    /// A fraction; what is not finite is written as null.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

macro_rules! from_number {
    ($variant:ident as $wide:ty: $($narrow:ty),+) => {
        $(impl From<$narrow> for Value<'_> {
            fn from(number: $narrow) -> Self {
                Self::$variant(<$wide>::from(number))
            }
        })+
    };
}

from_number!(Integer as i64: i8, i16, i32, i64);
from_number!(Unsigned as u64: u8, u16, u32, u64);
from_number!(Number as f64: f32, f64);

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Unsigned(number as u64)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
