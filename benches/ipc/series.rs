//! What is measured of a lane, round by round.

use super::lane::{Lane, WINDOW};
use crate::common::Rows;
use crate::common::process::Work;
use crate::common::report::{Aim, Row, percentile};
use anyhow::Result;

/// Rounds that count; one comes before them that does not.
pub(crate) const ROUNDS: usize = 9;

/// A lane, the processes of its broker, and how many messages make a round.
pub(crate) struct Side {
    pub(crate) lane: Lane,
    pub(crate) processes: Vec<u32>,
    /// One by one.
    pub(crate) few: usize,
    /// Together.
    pub(crate) many: usize,
    pub(crate) series: Series,
}

/// The figures of each round.
#[derive(Clone, Default)]
pub(crate) struct Series {
    /// Microseconds until a message has come, one at a time.
    pub(crate) p50: Vec<f64>,
    pub(crate) p99: Vec<f64>,
    /// Microseconds of the broker's processors for each of them.
    pub(crate) work: Vec<f64>,
    /// Messages sent in a second, many under way.
    pub(crate) rate: Vec<f64>,
    /// Microseconds of the broker's processors for each of them.
    pub(crate) work_together: Vec<f64>,
}

/// What figures are to come to.
#[derive(Clone, Copy)]
pub(crate) struct Aims {
    pub(crate) p50: Aim,
    pub(crate) work: Aim,
    pub(crate) rate: Aim,
}

impl Aims {
    pub(crate) const NONE: Self = Self { p50: Aim::NONE, work: Aim::NONE, rate: Aim::NONE };
}

impl Side {
    pub(crate) fn new(lane: Lane, processes: Vec<u32>, few: usize, many: usize) -> Self {
        Self { lane, processes, few, many, series: Series::default() }
    }

    fn round(&mut self) -> Result<()> {
        let load = self.lane.prepare(self.few)?;
        let before = Work::of(&self.processes)?;
        let latencies = self.lane.one_by_one(&load)?;
        let work = Work::of(&self.processes)?.since(&before);
        self.series.p50.push(percentile(&latencies, 50.0) / 1e3);
        self.series.p99.push(percentile(&latencies, 99.0) / 1e3);
        self.series.work.push(work / self.few as f64 / 1e3);
        let load = self.lane.prepare(self.many)?;
        let before = Work::of(&self.processes)?;
        let took = self.lane.together(&load)?;
        let work = Work::of(&self.processes)?.since(&before);
        self.series.rate.push(self.many as f64 / took.as_secs_f64());
        self.series.work_together.push(work / self.many as f64 / 1e3);
        Ok(())
    }
}

/// Measure sides in turn, round by round.
pub(crate) fn rounds(sides: &mut [&mut Side]) -> Result<()> {
    for round in 0..=ROUNDS {
        for side in &mut *sides {
            side.round()?;
            if round == 0 {
                side.series = Series::default();
            }
        }
    }
    Ok(())
}

/// Rows of ours beside a peer's. Each message that is sent is received so many times.
pub(crate) fn rows(
    rows: &mut Rows,
    what: &str,
    ours: &Series,
    peer: Option<(&str, &Series)>,
    received: usize,
    aims: Aims,
) {
    let mut add = |name: String, unit: &str, of: fn(&Series) -> &Vec<f64>, times: f64, aim: Aim| {
        let values = |series| of(series).iter().map(|value| value * times).collect::<Vec<f64>>();
        let mut row = Row::new(format!("{what}: {name}"), unit, values(ours), aim);
        if let Some((name, peer)) = peer {
            row = row.beside(values(peer)).note(format!("against {name}"));
        }
        rows.add(row);
    };
    add("p50, one at a time".to_owned(), "µs", |series| &series.p50, 1.0, aims.p50);
    add("p99, one at a time".to_owned(), "µs", |series| &series.p99, 1.0, Aim::NONE);
    add("processor time, one at a time".to_owned(), "µs", |series| &series.work, 1.0, aims.work);
    let times = received as f64;
    add(format!("received, {WINDOW} under way"), "/s", |series| &series.rate, times, aims.rate);
    let name = format!("processor time, {WINDOW} under way");
    add(name, "µs", |series| &series.work_together, 1.0, aims.work);
}
