//! What is said of a step that did not end well.

use crate::runtime::Failure;
use bytesize::ByteSize;
use gg_model::recipe::StepName;
use std::time::Duration;

/// The code of a step that took too long, as of `timeout(1)`.
const TIMED_OUT: i32 = 124;

/// The signals that processes die of.
#[rustfmt::skip]
const SIGNALS: [(i32, &str); 14] = [
    (libc::SIGABRT, "SIGABRT"), (libc::SIGALRM, "SIGALRM"), (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"), (libc::SIGHUP, "SIGHUP"), (libc::SIGILL, "SIGILL"),
    (libc::SIGINT, "SIGINT"), (libc::SIGKILL, "SIGKILL"), (libc::SIGPIPE, "SIGPIPE"),
    (libc::SIGQUIT, "SIGQUIT"), (libc::SIGSEGV, "SIGSEGV"), (libc::SIGSYS, "SIGSYS"),
    (libc::SIGTERM, "SIGTERM"), (libc::SIGTRAP, "SIGTRAP"),
];

/// How a process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Code(i32),
    Signal(i32),
}

impl End {
    /// The code that a shell would see.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// A step that ended by a signal, or otherwise than it should.
pub(super) fn failure(step: StepName, end: End, starved: Option<&str>) -> Failure {
    let mut message = match end {
        End::Code(code) => format!("the step {step} ended with code {code}"),
        End::Signal(signal) => {
            let name = SIGNALS.iter().find(|(number, _)| *number == signal);
            let name = name.map_or_else(String::new, |(_, name)| format!(" ({name})"));
            format!("the step {step} was ended by signal {signal}{name}")
        }
    };
    if let Some(starved) = starved {
        message = format!("{message}: {starved}");
    } else if end == End::Signal(libc::SIGSYS) {
        message += ": it is a program for another kind of processor; RequiresPrivilege lets it run";
    }
    Failure { message, code: end.code(), ..Failure::default() }
}

/// A step that took too long.
pub(super) fn too_long(step: StepName, limit: Duration) -> Failure {
    let message =
        format!("the step {step} took longer than {limit:?} and was ended; raise its Timeout");
    Failure { message, code: TIMED_OUT, after: limit, ..Failure::default() }
}

/// A step whose processes the kernel ended for want of memory.
pub(super) fn starved(count: u64, limit: Option<u64>) -> String {
    let of = limit.map_or_else(String::new, |bytes| format!(" of {}", ByteSize::b(bytes)));
    format!(
        "{count} of its processes ended for want of memory; its limit{of} is \
         runWith.systemResourceLimits.memory of the deployment"
    )
}
