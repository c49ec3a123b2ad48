//! Reading a configuration.

use super::client::Client;
use super::lane::Lane;
use super::series::{Aims, Side, rounds, rows};
use crate::common::Rows;
use crate::common::device::{Device, Door};
use crate::common::lite::Lite;
use anyhow::Result;
use gg_ipc::operation::call;
use gg_ipc::shapes::GetConfigurationRequest;

/// Calls that make a round, one by one and together.
const COUNTS: (usize, usize) = (4000, 40_000);

/// Of nucleus lite.
const LITE: usize = 400;

pub(crate) fn measure(all: &mut Rows) -> Result<()> {
    let device = Device::new()?;
    let nucleus = device.start()?;
    let name = "bench.Client".to_owned();
    device.client(&name)?;
    device.deploy(std::slice::from_ref(&name))?;
    let mut ours = Side::new(lane(&device.door(&name)?)?, vec![nucleus.id()], COUNTS.0, COUNTS.1);
    let lite = Lite::find()?;
    let running = lite.as_ref().map(Lite::start).transpose()?;
    let mut peer = match (&lite, &running) {
        (Some(lite), Some(running)) => {
            Some(Side::new(lane(&lite.door()?)?, running.ids(), LITE, LITE))
        }
        _ => None,
    };
    let mut sides = vec![&mut ours];
    sides.extend(peer.as_mut());
    rounds(&mut sides)?;
    let peer = peer.as_ref().map(|peer| ("nucleus lite", &peer.series));
    rows(all, "GetConfiguration of one value", &ours.series, peer, 1, Aims::NONE);
    Ok(())
}

fn lane(door: &Door) -> Result<Lane> {
    let key_path = vec!["threshold".to_owned()];
    let request = GetConfigurationRequest { component_name: None, key_path };
    Lane::call::<call::GetConfiguration>(Client::connect(door)?, request)
}
