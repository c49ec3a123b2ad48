//! What a service tells systemd of itself: that it is ready, that it stops, that it is alive
//! (sd_notify(3)). Without systemd, nothing.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Systemd's end, if there is one.
#[derive(Debug)]
pub(super) struct Systemd {
    socket: Option<UnixDatagram>,
    /// How often it wants to hear that the service is alive.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// As the environment of a service says.
    pub(super) fn from_environment() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|path| connect(&path));
        let mine =
            std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let microseconds = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        let watchdog = microseconds.filter(|time| mine && *time > 0).map(Duration::from_micros);
        Self { socket, watchdog }
    }

    /// Everything is under way.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// The service was asked to stop.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Say that the service is alive, as often as is asked for, for ever.
    pub(super) async fn stay_alive(&self) {
        let Some(every) = self.watchdog else { return std::future::pending().await };
        loop {
            self.tell("WATCHDOG=1");
            tokio::time::sleep(every / 2).await;
        }
    }

    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(state.as_bytes())
        {
            tracing::warn!(%error, "systemd cannot be told {state}");
        }
    }
}

fn connect(path: &OsString) -> Option<UnixDatagram> {
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(path),
    };
    let connected = address.and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // One that does not read must hold nobody up.
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    connected.inspect_err(|error| tracing::warn!(%error, "systemd cannot be reached")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_read_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        let socket = connect(&path.into_os_string());
        let service = Systemd { socket, watchdog: None };
        // More than the queue of any socket holds (net.unix.max_dgram_qlen).
        (0..10_000).for_each(|_| service.ready());
        let mut word = [0; 16];
        let length = systemd.recv(&mut word).unwrap();
        assert_eq!(&word[..length], b"READY=1");
    }
}
