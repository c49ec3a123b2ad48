//! A terminal that shows one screen and gives single keys, and is afterwards what it was before.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What Ctrl-C types while the terminal is here.
pub(super) const CTRL_C: u8 = 3;

/// The other screen, without a cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Why a wait is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Woken {
    /// Somebody wants the program to end.
    Ended,
    /// A key.
    Key(u8),
    /// The terminal may have another size.
    Resized,
    /// It is time.
    Time,
}

/// The terminal. What it was is restored when this is dropped.
#[derive(Debug)]
pub(super) struct Terminal {
    /// Of standard input, where that is a terminal: from there come keys.
    saved: Option<Termios>,
    signals: Signals,
}

impl Terminal {
    /// Take the terminal over.
    pub(super) fn enter() -> io::Result<Self> {
        let signals = Signals::listen()?;
        let stdin = io::stdin();
        let saved = match stdin.is_terminal() {
            true => Some(tcgetattr(&stdin)?),
            false => None,
        };
        if let Some(saved) = &saved {
            let mut raw = saved.clone();
            raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
            tcsetattr(&stdin, OptionalActions::Now, &raw)?;
        }
        let terminal = Self { saved, signals };
        say(ENTER)?;
        Ok(terminal)
    }

    /// Show a text: as much of it as fits.
    pub(super) fn draw(&self, text: &str) -> io::Result<()> {
        let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_row > 0);
        let (rows, columns) =
            size.map_or((24, 80), |size| (usize::from(size.ws_row), usize::from(size.ws_col)));
        let mut screen = String::from("\x1b[H");
        // A line break after the last line would scroll.
        for (number, line) in text.lines().take(rows).enumerate() {
            screen.push_str(if number > 0 { "\r\n" } else { "" });
            screen.push_str(fitting(line, columns));
            screen.push_str("\x1b[0m\x1b[K");
        }
        screen.push_str("\x1b[J");
        say(&screen)
    }

    /// Wait for a key or something else, but not longer than this.
    pub(super) fn wait(&mut self, until: Instant) -> io::Result<Woken> {
        if self.signals.want_end() {
            return Ok(Woken::Ended);
        }
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left.min(Duration::from_secs(3600)));
        let timeout = timeout.map_err(io::Error::other)?;
        let stdin = io::stdin();
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let watched = usize::from(self.saved.is_some());
        match poll(&mut ready[..watched], Some(&timeout)) {
            Ok(0) => return Ok(Woken::Time),
            Ok(_) => {}
            // A signal: either the size has changed, or this is the end.
            Err(rustix::io::Errno::INTR) if self.signals.want_end() => return Ok(Woken::Ended),
            Err(rustix::io::Errno::INTR) => return Ok(Woken::Resized),
            Err(error) => return Err(error.into()),
        }
        let mut key = [0];
        match rustix::io::read(&stdin, &mut key)? {
            // Nobody is there any more.
            0 => Ok(Woken::Ended),
            _ => Ok(Woken::Key(key[0])),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone = say(LEAVE);
        if let Some(saved) = &self.saved {
            let _gone = tcsetattr(io::stdin(), OptionalActions::Now, saved);
        }
    }
}

fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// The beginning of a line of ASCII that has so many columns; what sets colours has none.
fn fitting(line: &str, columns: usize) -> &str {
    let (mut used, mut control) = (0, false);
    for (place, letter) in line.char_indices() {
        control |= letter == '\x1b';
        if !control {
            if used == columns {
                return line.get(..place).unwrap_or(line);
            }
            used += 1;
        }
        control &= letter != 'm';
    }
    line
}

/// Signals that would end the program without restoring the terminal, or tell of its size.
#[derive(Debug)]
struct Signals {
    runtime: Runtime,
    ending: [Signal; 3],
    _size: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let _entered = runtime.enter();
        let ending = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
        ];
        let _size = signal(SignalKind::window_change())?;
        drop(_entered);
        Ok(Self { runtime, ending, _size })
    }

    /// Whether one has come that wants the program to end.
    fn want_end(&mut self) -> bool {
        let [terminate, hangup, interrupt] = &mut self.ending;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = terminate.recv() => true,
                _ = hangup.recv() => true,
                _ = interrupt.recv() => true,
                // By then the runtime has looked.
                () = tokio::task::yield_now() => false,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        assert_eq!(fitting("abc", 2), "ab");
        assert_eq!(fitting("abc", 3), "abc");
        assert_eq!(fitting("\x1b[1mabc\x1b[0m", 2), "\x1b[1mab");
        assert_eq!(fitting("", 0), "");
    }
}
