//! Local messages between components outside the sandbox.

use super::client::{Client, publication};
use super::lane::Lane;
use super::relay::Relay;
use super::series::{Aims, Series, Side, rounds, rows};
use crate::common::Rows;
use crate::common::device::{Device, Door};
use crate::common::lite::Lite;
use crate::common::mosquitto::Mosquitto;
use crate::common::report::Aim;
use anyhow::Result;
use gg_ipc::operation::call;

const TOPIC: &str = "bench/data";

/// Sizes, with the messages to one subscriber that make a round, one by one and together.
const SIZES: [(&str, usize, usize, usize); 2] =
    [("100 B", 100, 4000, 40_000), ("10 KB", 10_000, 2000, 4000)];

/// Messages that make a round of nucleus lite.
const LITE: usize = 400;

/// Nucleus lite takes no frame that is longer than 10,000 bytes.
const LITE_MOST: usize = 7000;

pub(crate) fn measure(all: &mut Rows) -> Result<()> {
    let device = Device::new()?;
    let nucleus = device.start()?;
    let names = ["bench.Publisher", "bench.Subscriber"].map(str::to_owned);
    names.iter().try_for_each(|name| device.client(name))?;
    device.deploy(&names)?;
    let [publisher, subscriber] = [device.door(&names[0])?, device.door(&names[1])?];
    let mosquitto = Mosquitto::start()?;
    let lite = Lite::find()?;
    let lite = match &lite {
        Some(lite) => Some((lite.start()?, lite.door()?)),
        None => None,
    };
    for subscribers in [1, 10] {
        for (size_name, size, few, many) in SIZES {
            let payload = vec![7; size];
            let (few, many) = (few / subscribers.min(2), many / subscribers);
            let own = lane(&publisher, &subscriber, &payload, subscribers)?;
            let mut ours = Side::new(own, vec![nucleus.id()], few, many);
            let relay = Relay::start(subscribers)?;
            let request = publication(TOPIC, &payload);
            let frame =
                Client::connect(&publisher)?.requests::<call::PublishToTopic>(&request, 1)?;
            let mut floor = Side::new(Lane::relay(&relay, frame)?, vec![relay.id()], few, many);
            let mut broker = match &mosquitto {
                Some(broker) => {
                    let lane = Lane::mqtt(broker, size, subscribers)?;
                    Some(Side::new(lane, vec![broker.id()], few, many))
                }
                None => None,
            };
            let mut lite = match &lite {
                Some((running, door)) if size <= LITE_MOST => {
                    let lane = lane(door, door, &payload, subscribers)?;
                    Some(Side::new(lane, running.ids(), LITE, LITE))
                }
                _ => None,
            };
            let mut sides = vec![&mut ours, &mut floor];
            sides.extend(broker.as_mut());
            sides.extend(lite.as_mut());
            rounds(&mut sides)?;
            let plural = if subscribers == 1 { "" } else { "s" };
            let what = format!("IPC, {size_name} to {subscribers} subscriber{plural}");
            let mut beside = |peer: &str, series: &Series, aims| {
                rows(all, &what, &ours.series, Some((peer, series)), subscribers, aims);
            };
            beside("a relay of bytes", &floor.series, aims(size, subscribers));
            if let Some(broker) = &broker {
                beside("mosquitto", &broker.series, Aims::NONE);
            }
            if let Some(lite) = &lite {
                let rate = match subscribers {
                    1 => Aim::ratio_at_least(100.0),
                    _ => Aim::NONE,
                };
                beside("nucleus lite", &lite.series, Aims { rate, ..Aims::NONE });
            }
        }
    }
    Ok(())
}

fn lane(publisher: &Door, subscriber: &Door, payload: &[u8], subscribers: usize) -> Result<Lane> {
    let subscribers =
        (0..subscribers).map(|_| Client::subscribed(subscriber, TOPIC)).collect::<Result<_>>()?;
    Lane::publish(Client::connect(publisher)?, TOPIC, payload, subscribers)
}

/// One subscriber's time and work; many messages to ten; large ones.
fn aims(size: usize, subscribers: usize) -> Aims {
    let p50 = Aim::ratio_at_most(3.0);
    match (size, subscribers) {
        (100, 1) => Aims { p50: p50.and_at_most(60.0), work: Aim::at_most(30.0), rate: Aim::NONE },
        (100, _) => Aims { p50, work: Aim::NONE, rate: Aim::at_least(60_000.0) },
        _ => Aims { p50, work: Aim::NONE, rate: Aim::at_least(10_000.0) },
    }
}
