//! The rows: where the time goes on a device that asks for no signatures, and what they add.

use super::round::Times;
use crate::common::report::{Aim, Row};

/// What is to pass at most, in milliseconds, until a component that is new to the device runs.
const AIM: Aim = Aim::at_most(1_000.0);

/// What is done in a round, in its order.
const KINDS: [&str; 3] = ["new", "known", "in place of one that runs"];

type Of = fn(&Times) -> f64;

/// The parts of the whole, one after the other.
const PARTS: [(&str, Of); 8] = [
    ("the device hears of it, reads and keeps it", |of| of.begins),
    ("recipe asked for and kept", |of| of.recipe - of.begins),
    ("artifact brought and checked", |of| of.artifact - of.recipe),
    ("recipe applied to the device", |of| of.compiles - of.artifact),
    ("compiled and linked", |of| of.prepared - of.compiles),
    ("kept as what the device is to be", |of| of.starts - of.prepared),
    ("started, once the one before has ended, until its first words", |of| of.speaks - of.starts),
    ("watched whether it stays up", |of| of.succeeded - of.speaks),
];

/// The rows of all rounds of the device that asks for no signatures and of the one that does.
pub(crate) fn rows(all: &[Vec<[Times; 3]>; 2], bytes: usize) -> Vec<Row> {
    let [plain, signed] = all;
    let size = format!("a component of {} KB", (bytes + 500) / 1_000);
    let mut rows = Vec::new();
    for (place, kind) in KINDS.iter().enumerate() {
        let values = |of: Of| plain.iter().filter_map(|round| round.get(place)).map(of).collect();
        let aim = if place == 0 { AIM } else { Aim::NONE };
        let name = |what: &str| format!("{kind}: {what}");
        rows.push(
            Row::new(name("deployed until it runs"), "ms", values(|of| of.speaks), aim).note(&size),
        );
        rows.push(Row::new(name("CreateDeployment"), "ms", values(|of| of.answered), Aim::NONE));
        for (what, of) in PARTS {
            rows.push(Row::new(name(what), "ms", values(of), Aim::NONE));
        }
        let what = name("gg-cloud hears that it has succeeded");
        rows.push(Row::new(what, "ms", values(|of| of.heard - of.succeeded), Aim::NONE));
        rows.push(Row::new(
            name("deployed until all know"),
            "ms",
            values(|of| of.heard),
            Aim::NONE,
        ));
    }
    let compared: [(&str, Of); 3] = [
        ("deployed until it runs", |of| of.speaks),
        ("recipe asked for and kept", |of| of.recipe - of.begins),
        ("artifact brought and checked", |of| of.artifact - of.recipe),
    ];
    for (what, of) in compared {
        let values = |all: &[[Times; 3]]| all.iter().map(|[new, ..]| of(new)).collect();
        let row = Row::new(format!("new and signed: {what}"), "ms", values(signed), Aim::NONE);
        rows.push(row.beside(values(plain)).note("against not signed"));
    }
    rows
}
