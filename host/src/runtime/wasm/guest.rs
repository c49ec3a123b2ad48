//! One instance of a component: what its store holds, and how it comes to life.

use super::clocks::{Monotonic, Wall};
use super::limiter::{Limiter, size};
use super::meter::{Meter, Share};
use super::stdio::LogStream;
use crate::capability::Capabilities;
use crate::capability::caller::Caller;
use crate::capability::http::{AllowedHosts, wit::Hooks};
use crate::capability::logging::Logging;
use crate::capability::pubsub::Publisher;
use crate::clock::Clock;
use crate::component::InstalledComponent;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// Most random bytes a guest gets in one call.
const MOST_RANDOM: u64 = 1 << 20;

/// Most bytes of headers of one HTTP message.
const MOST_HEADERS: usize = 128 << 10;

/// The data of one store.
pub(super) struct Guest {
    pub(super) caller: Caller,
    pub(super) capabilities: Capabilities,
    pub(super) limiter: Limiter,
    pub(super) logging: Logging,
    pub(super) publisher: Publisher,
    pub(super) table: ResourceTable,
    pub(super) turn: usize,
    /// When the call under way must be over, and the limit that says so.
    pub(super) deadline: Option<(Instant, &'static str)>,
    born: Instant,
    hooks: Hooks,
    http: WasiHttpCtx,
    meter: Meter,
    share: Share,
    wasi: WasiCtx,
}

impl Guest {
    /// Time since the instance was made.
    pub(super) fn running_for(&self) -> Duration {
        self.born.elapsed()
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// Everything that the instances of one component have in common.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) capabilities: Capabilities,
    pub(super) clock: Clock,
    pub(super) component: Arc<InstalledComponent>,
    pub(super) logging: Logging,
}

impl Surroundings {
    /// A store for a new instance.
    ///
    /// # Errors
    /// A granted directory cannot be opened.
    pub(super) fn store(
        &self,
        engine: &Engine,
        caller: &Caller,
        meter: &Meter,
    ) -> Result<Store<Guest>, String> {
        let limits = &self.component.limits;
        let hosts = AllowedHosts::new(self.component.sandbox.network.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(size(limits.resources));
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MOST_HEADERS);
        let guest = Guest {
            caller: caller.clone(),
            capabilities: self.capabilities.clone(),
            born: Instant::now(),
            limiter: Limiter::new(&self.component, self.logging.sink().clone(), meter.clone()),
            logging: self.logging.clone(),
            publisher: self.capabilities.pubsub.publisher(caller.clone()),
            table,
            turn: 0,
            deadline: None,
            hooks: Hooks::new(hosts.clone(), limits.http_requests, self.logging.sink().clone()),
            http,
            meter: meter.clone(),
            share: Share::new(limits.cpu, Instant::now()),
            wasi: self.wasi(caller, &hosts)?,
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(usize::try_from(limits.host_call_data).unwrap_or(usize::MAX));
        store.set_max_component_handles(size(limits.handles));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| Ok(end_of_turn(store)));
        Ok(store)
    }

    fn wasi(&self, caller: &Caller, hosts: &AllowedHosts) -> Result<WasiCtx, String> {
        let component = &self.component;
        let mut wasi = WasiCtxBuilder::new();
        wasi.arg(component.name.as_ref())
            .args(&component.arguments)
            .stdout(LogStream::stdout(self.logging.clone(), caller.clone()))
            .stderr(LogStream::stderr(self.logging.clone(), caller.clone()))
            .max_random_size(MOST_RANDOM)
            .wall_clock(Wall(self.clock.clone()))
            .monotonic_clock(Monotonic(Instant::now()));
        for (name, value) in &component.sandbox.environment {
            wasi.env(name, value);
        }
        let open = |result: wasmtime::Result<()>, host: &str| {
            result.map_err(|error| {
                let reason = error
                    .downcast_ref::<io::Error>()
                    .map_or_else(|| error.to_string(), ToString::to_string);
                format!("cannot open the directory {host}: {reason}")
            })
        };
        let work = component.work.display().to_string();
        open(wasi.preopened_dir(&component.work, "/", FsPerms::ReadWrite).map(drop), &work)?;
        for granted in &component.sandbox.directories {
            let perms = if granted.read_only { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
            open(
                wasi.preopened_dir(&granted.host, &granted.guest, perms).map(drop),
                &granted.host,
            )?;
        }
        if !hosts.is_empty() {
            let hosts = hosts.clone();
            wasi.allow_tcp(true).allow_udp(true).socket_addr_check(move |address, r#use| {
                let allowed = may_use(&hosts, address, r#use);
                Box::pin(async move { allowed })
            });
        }
        Ok(wasi.build())
    }
}

/// Sockets reach out, to addresses that are granted as such, and never listen.
fn may_use(hosts: &AllowedHosts, address: SocketAddr, r#use: SocketAddrUse) -> bool {
    match r#use {
        SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
            hosts.allows_address(address)
        }
        // What the system binds for an outgoing connection.
        SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
            address.ip().is_unspecified() && address.port() == 0
        }
        _ => false,
    }
}

/// The guest has run for an epoch: another's turn, or a pause, or the end.
fn end_of_turn(mut store: StoreContextMut<'_, Guest>) -> UpdateDeadline {
    let guest = store.data_mut();
    let now = Instant::now();
    if let Some((deadline, limit)) = guest.deadline
        && now >= deadline
    {
        guest.limiter.note(limit, None);
        return UpdateDeadline::Interrupt;
    }
    match guest.share.pause(guest.meter.used(), now) {
        None => UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())),
        Some(pause) => {
            let pause = pause.max(Duration::from_millis(1));
            UpdateDeadline::YieldCustom(1, Box::pin(tokio::time::sleep(pause)))
        }
    }
}
