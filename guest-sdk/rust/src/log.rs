//! Log records: `info!("a message with {captures}", key = value, …)`, and so on for each level.

pub use crate::bindings::gg::host::logging::{Level, enabled, log};

/// Write a record of a level: a format string, then keys and values beside it.
#[macro_export]
macro_rules! log {
    ($level:expr, $message:literal $(, $key:ident = $value:expr)* $(,)?) => {
        if $crate::log::enabled($level) {
            $crate::log::log(
                $level,
                &::std::format!($message),
                &[$((::std::stringify!($key).to_owned(), ::std::string::ToString::to_string(&$value))),*],
            );
        }
    };
}

/// Write a record of level trace.
#[macro_export]
macro_rules! trace { ($($record:tt)+) => { $crate::log!($crate::log::Level::Trace, $($record)+) }; }

/// Write a record of level debug.
#[macro_export]
macro_rules! debug { ($($record:tt)+) => { $crate::log!($crate::log::Level::Debug, $($record)+) }; }

/// Write a record of level info.
#[macro_export]
macro_rules! info { ($($record:tt)+) => { $crate::log!($crate::log::Level::Info, $($record)+) }; }

/// Write a record of level warn.
#[macro_export]
macro_rules! warn { ($($record:tt)+) => { $crate::log!($crate::log::Level::Warn, $($record)+) }; }

/// Write a record of level error.
#[macro_export]
macro_rules! error { ($($record:tt)+) => { $crate::log!($crate::log::Level::Error, $($record)+) }; }
