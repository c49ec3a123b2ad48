use super::*;
use proptest::prelude::*;

fn name(text: &str) -> ComponentName {
    text.parse().unwrap()
}

/// `name version: needed range, needed range`.
fn candidates(lines: &[&str]) -> BTreeMap<ComponentName, Vec<Candidate>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in lines {
        let (id, needs) = line.split_once(':').unwrap_or((line, ""));
        let (component, version) = id.split_once(' ').unwrap();
        let needs = needs.split(',').filter(|need| !need.trim().is_empty()).map(|need| {
            let (needed, range) = need.trim().split_once(' ').unwrap();
            (name(needed), range.parse().unwrap())
        });
        let candidate = Candidate { version: version.parse().unwrap(), needs: needs.collect() };
        all.entry(name(component)).or_default().push(candidate);
    }
    all
}

fn request(roots: &[(&str, &str, &str)], lines: &[&str]) -> Request {
    let mut request = Request { candidates: candidates(lines), ..Request::default() };
    for (target, component, range) in roots {
        let components = request.roots.entry((*target).to_owned()).or_default();
        components.insert(name(component), range.parse().unwrap());
    }
    request
}

fn resolved(request: &Request) -> Vec<String> {
    let versions = resolve(request).unwrap_or_else(|error| panic!("{error}"));
    versions.iter().map(|(name, version)| format!("{name} {version}")).collect()
}

#[test]
fn what_is_needed_comes_in_its_highest_version_that_will_do() {
    let request = request(
        &[("g", "a", "1.0.0")],
        &["a 1.0.0: b ^1.0.0", "b 1.0.0", "b 1.2.0: c *", "b 2.0.0", "c 3.0.0"],
    );
    assert_eq!(resolved(&request), ["a 1.0.0", "b 1.2.0", "c 3.0.0"]);
}

#[test]
fn the_version_that_runs_is_kept_where_it_will_do() {
    let mut request = request(&[("g", "a", "^1.0.0")], &["a 1.0.0", "a 1.1.0", "a 2.0.0"]);
    request.running.insert(name("a"), "1.0.0".parse().unwrap());
    assert_eq!(resolved(&request), ["a 1.0.0"]);
    request.running.insert(name("a"), "2.0.0".parse().unwrap());
    assert_eq!(resolved(&request), ["a 1.1.0"]);
}

#[test]
fn the_ranges_of_all_who_ask_count_together() {
    let request = request(
        &[("g", "a", "*"), ("h", "b", "*")],
        &["a 1.0.0: c >=1.1.0", "b 1.0.0: c <1.3.0", "c 1.0.0", "c 1.2.0", "c 1.4.0"],
    );
    assert_eq!(resolved(&request), ["a 1.0.0", "b 1.0.0", "c 1.2.0"]);
}

#[test]
fn a_conflict_names_the_chain_that_leads_to_it() {
    let request = request(
        &[("thinggroup/x", "a", "*"), ("thing/y", "b", "*")],
        &["a 1.0.0: m *", "m 1.0.0: c ^1.0.0", "b 2.0.0: c ^2.0.0", "c 1.0.0", "c 2.0.0"],
    );
    let error = resolve(&request).unwrap_err();
    assert!(matches!(error, ResolveError::Conflict { .. }), "{error}");
    let text = error.to_string();
    for part in [
        "no version of c",
        "`^1.0.0` is asked for by m 1.0.0, which is asked for by a 1.0.0, which is asked for by thinggroup/x",
        "`^2.0.0` is asked for by b 2.0.0, which is asked for by thing/y",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn what_is_not_there_is_missing_and_what_is_there_is_named() {
    let request = request(&[("g", "a", "1.0.0")], &["a 1.0.0: b >=2.0.0", "b 1.0.0"]);
    let error = resolve(&request).unwrap_err();
    assert!(matches!(&error, ResolveError::Missing { component, .. } if component.as_str() == "b"));
    assert!(error.to_string().contains("there is 1.0.0"), "{error}");
}

#[test]
fn what_the_host_provides_is_not_looked_for() {
    let mut request = request(&[("g", "a", "*")], &["a 1.0.0: aws.greengrass.Nucleus >=2.0.0"]);
    request.provided.insert(name("aws.greengrass.Nucleus"));
    assert_eq!(resolved(&request), ["a 1.0.0"]);
}

#[test]
fn what_an_older_choice_needed_is_let_go() {
    let request = request(
        &[("g", "a", "*"), ("g", "z", "*")],
        &["a 1.0.0", "a 2.0.0: gone *", "gone 1.0.0", "z 1.0.0: a <2.0.0"],
    );
    assert_eq!(resolved(&request), ["a 1.0.0", "z 1.0.0"]);
}

#[test]
fn a_circle_is_named() {
    let request = request(&[("g", "a", "*")], &["a 1.0.0: b *", "b 1.0.0: c *", "c 1.0.0: b *"]);
    let error = resolve(&request).unwrap_err().to_string();
    assert!(error.ends_with("b -> c -> b"), "{error}");
}

fn arbitrary() -> impl Strategy<Value = Request> {
    let range = prop_oneof![
        Just("*".to_owned()),
        (0..3_u32).prop_map(|major| format!("^{major}.0.0")),
        (0..3_u32).prop_map(|major| format!(">={major}.0.0")),
        (1..4_u32).prop_map(|major| format!("<{major}.0.0")),
    ];
    let line = (0..5_u32, 0..3_u32, prop::collection::vec((0..5_u32, range.clone()), 0..3));
    (prop::collection::vec(line, 1..15), prop::collection::vec((0..5_u32, range), 1..4)).prop_map(
        |(lines, roots)| {
            let mut request = Request::default();
            for (component, major, needs) in lines {
                let needs = needs.into_iter().filter(|(other, _)| *other != component);
                let candidate = Candidate {
                    version: format!("{major}.0.0").parse().unwrap(),
                    needs: needs
                        .map(|(other, range)| (name(&format!("c{other}")), range.parse().unwrap()))
                        .collect(),
                };
                let versions =
                    request.candidates.entry(name(&format!("c{component}"))).or_default();
                if versions.iter().all(|other| other.version != candidate.version) {
                    versions.push(candidate);
                }
            }
            for (component, range) in roots {
                let roots = request.roots.entry("g".to_owned()).or_default();
                roots.insert(name(&format!("c{component}")), range.parse().unwrap());
            }
            request
        },
    )
}

proptest! {
    #[test]
    fn what_is_resolved_satisfies_everybody(request in arbitrary()) {
        let Ok(versions) = resolve(&request) else { return Ok(()) };
        for (component, range) in &request.roots["g"] {
            prop_assert!(range.matches(&versions[component]));
        }
        for (component, version) in &versions {
            let all = &request.candidates[component];
            let one = all.iter().find(|one| one.version == *version).unwrap();
            for (needed, range) in &one.needs {
                prop_assert!(range.matches(&versions[needed]));
            }
        }
    }
}
