//! The rows of fleets of several sizes: what each took, beside what it would if it grew with the number
//! of devices as that of the next smaller fleet did.

use super::round::Figures;
use crate::common::report::{Aim, Row, median};

/// What is to grow hardly faster than the fleet.
const LINEAR: Aim = Aim::ratio_at_most(1.3);

type Of = fn(&Figures) -> f64;

/// Figures that grow with the fleet.
const GROWING: [(&str, &str, Of); 11] = [
    ("made over REST", "s", |of| of.enrolled),
    ("made over REST: processor time", "s", |of| of.enrolled_processor),
    ("connected and subscribed", "s", |of| of.connected),
    ("connected and subscribed: processor time", "s", |of| of.connected_processor),
    ("deployment made until half are told", "s", |of| of.notified[1]),
    ("deployment made until 99 % are told", "s", |of| of.notified[2]),
    ("deployment made until all are told", "s", |of| of.notified[3]),
    ("deployment made until half have succeeded", "s", |of| of.succeeded[0]),
    ("deployment made until all have succeeded", "s", |of| of.succeeded[1]),
    ("deployment made until GetDeployment shows it", "s", |of| of.shown),
    ("deployment: processor time", "s", |of| of.deployed_processor),
];

/// Figures beside which nothing stands.
const OTHERS: [(&str, &str, Of); 8] = [
    ("thing add, by the command line", "ms", |of| of.by_command),
    ("CreateDeployment", "ms", |of| of.created * 1e3),
    ("deployment made until the first is told", "ms", |of| of.notified[0] * 1e3),
    ("deployment: processor time of all devices", "s", |of| of.devices_processor),
    ("memory when all are connected", "MiB", |of| of.memory_connected),
    ("memory at the end", "MiB", |of| of.memory_after),
    ("memory, the most", "MiB", |of| of.memory_peak),
    ("state on disk", "MiB", |of| of.state),
];

/// The rows of fleets, the smallest first.
pub(crate) fn rows(all: &[(usize, Vec<Figures>)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (place, (size, figures)) in all.iter().enumerate() {
        let values = |of: Of| figures.iter().map(of).collect::<Vec<f64>>();
        let smaller = place.checked_sub(1).and_then(|place| all.get(place));
        for (what, unit, of) in GROWING {
            let mut row = Row::new(format!("fleet of {size}: {what}"), unit, values(of), Aim::NONE);
            if let Some((other, figures)) = smaller {
                let times = *size as f64 / *other as f64;
                let linear = median(&figures.iter().map(of).collect::<Vec<f64>>()) * times;
                row.peer = vec![linear; row.ours.len()];
                row.aim = LINEAR;
                row = row.note(format!("against {times:.1} times that of {other}"));
            }
            rows.push(row);
        }
        for (what, unit, of) in OTHERS {
            rows.push(Row::new(format!("fleet of {size}: {what}"), unit, values(of), Aim::NONE));
        }
        let each: Vec<f64> = figures
            .iter()
            .map(|of| (of.memory_connected - of.memory_before) * 1024.0 / *size as f64)
            .collect();
        let name = format!("fleet of {size}: memory for each connection");
        rows.push(Row::new(name, "KiB", each, Aim::NONE));
        let idle: Vec<f64> = figures.iter().filter_map(|of| of.idle).map(|of| of * 1e3).collect();
        if !idle.is_empty() {
            let name = format!("fleet of {size}: processor time in a second of silence");
            rows.push(Row::new(name, "ms", idle, Aim::NONE));
        }
        let load: Vec<f64> = figures.iter().map(|of| of.load).collect();
        let name = format!("fleet of {size}: load average before");
        rows.push(Row::new(name, "", load, Aim::NONE));
    }
    rows
}
