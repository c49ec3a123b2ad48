//! What is said to be served is.

use super::*;
use crate::broker::is_request;
use std::collections::{BTreeMap, BTreeSet};

/// The rows of OPERATIONS.md, below their headings: names, and whether it says that they are served.
fn rows() -> BTreeMap<&'static str, BTreeMap<&'static str, bool>> {
    let mut sections = BTreeMap::new();
    let mut heading = "";
    for line in include_str!("../../OPERATIONS.md").lines() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text.trim_matches('`');
            continue;
        }
        let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            continue;
        };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        let &[name, served, _] = cells.as_slice() else {
            panic!("{line} has not three cells");
        };
        let is_served = match served {
            "yes" => true,
            "no" => false,
            _ => continue,
        };
        let section: &mut BTreeMap<&str, bool> = sections.entry(heading).or_default();
        assert_eq!(
            section.insert(name.trim_matches('`'), is_served),
            None,
            "{name} is there twice"
        );
    }
    sections
}

#[test]
fn what_is_routed_is_in_the_table_and_the_other_way_round() {
    let rows = rows();
    for (heading, operations) in [
        ("greengrassv2", greengrass::operations()),
        ("iot", iot::operations()),
        ("iot-data", iot_data::operations()),
        ("iot-jobs-data", iot_jobs_data::operations()),
        ("s3", s3::operations()),
        ("secretsmanager", secretsmanager::operations()),
        ("sts", sts::operations()),
        ("The data plane", devices::operations()),
    ] {
        let section = &rows[heading];
        for (name, is_served) in &operations {
            assert_eq!(section.get(name), Some(is_served), "{heading}: {name}");
        }
        let served: BTreeSet<&str> =
            operations.iter().filter(|(_, is_served)| *is_served).map(|(name, _)| *name).collect();
        let said = section.iter().filter(|(_, is_served)| **is_served).map(|(name, _)| *name);
        assert_eq!(said.collect::<BTreeSet<_>>(), served, "{heading}");
    }
}

#[test]
fn topics_are_taken_as_the_table_says() {
    for (topic, is_served) in &rows()["Topics"] {
        assert_eq!(is_request(topic), *is_served, "{topic}");
    }
}
