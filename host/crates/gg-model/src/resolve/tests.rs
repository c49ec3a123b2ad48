use super::*;
use crate::deployment::DeploymentGroup::{Local, ThingGroup};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Recipes, roots and the rest, written shortly.
#[derive(Debug, Clone, Default)]
struct World {
    roots: Roots,
    known: BTreeMap<ComponentName, Known>,
    running: BTreeMap<ComponentName, ComponentVersion>,
    provided: BTreeMap<ComponentName, ComponentVersion>,
}

fn name(text: &str) -> ComponentName {
    text.parse().unwrap()
}

fn version(text: &str) -> ComponentVersion {
    text.parse().unwrap()
}

/// `b ^1, c *`, each a component with what is required of it.
fn needs(text: &str) -> Needs {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let entry = |entry: &str| {
        let (component, requirement) = entry.split_once(' ').unwrap();
        (name(component), requirement.parse().unwrap())
    };
    entries.map(entry).collect()
}

impl World {
    /// `a 1.0.0: b ^1, c *`, a recipe a line.
    fn new(recipes: &str) -> Self {
        let mut world = Self::default();
        for line in recipes.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (head, needed) = line.split_once(':').unwrap_or((line, ""));
            let (component, of) = head.split_once(' ').unwrap();
            let known = world.known.entry(name(component)).or_default();
            known.versions.insert(version(of), needs(needed));
        }
        world
    }

    fn group(mut self, group: DeploymentGroup, roots: &str) -> Self {
        self.roots.insert(group, needs(roots));
        self
    }

    fn roots(self, roots: &str) -> Self {
        self.group(ThingGroup("x".into()), roots)
    }

    fn running(mut self, component: &str, of: &str) -> Self {
        self.running.insert(name(component), version(of));
        self
    }

    fn provided(mut self, component: &str, of: &str) -> Self {
        self.provided.insert(name(component), version(of));
        self
    }

    fn exhausted(mut self) -> Self {
        let needed = self.known.values().flat_map(|known| known.versions.values());
        let mut names: Vec<_> =
            needed.chain(self.roots.values()).flat_map(Needs::keys).cloned().collect();
        names.extend(self.known.keys().cloned());
        for name in names {
            self.known.entry(name).or_default().exhausted = true;
        }
        self
    }

    fn resolve(&self) -> Result<Answer, ResolveError> {
        let Self { roots, known, running, provided } = self;
        resolve(&Question { roots, known, running, provided })
    }

    /// `a 1.0.0, b 1.1.0`, or what is missing, or the error.
    fn answer(&self) -> String {
        match self.resolve() {
            Ok(Answer::Resolved(versions)) => {
                let shown = versions.iter().map(|(name, version)| format!("{name} {version}"));
                shown.collect::<Vec<_>>().join(", ")
            }
            Ok(Answer::Missing { component, wants }) => {
                let wants = wants.iter().map(|want| format!("{} {}", want.by, want.requirement));
                format!("missing {component}: {}", wants.collect::<Vec<_>>().join(", "))
            }
            Err(error) => error.to_string(),
        }
    }
}

#[test]
fn roots_bring_what_they_need() {
    let world = World::new(
        "a 1.0.0: b ^1, c *
         b 1.0.0: d 1.x
         b 1.2.0: d 1.x
         b 2.0.0: e *
         c 0.1.0: d >=1.1.0
         d 1.0.0
         d 1.1.0
         d 1.2.0-rc.1
         unused 1.0.0: nowhere *",
    );
    assert_eq!(world.clone().roots("").answer(), "");
    assert_eq!(world.clone().answer(), "");
    assert_eq!(world.roots("a 1.0.0").answer(), "a 1.0.0, b 1.2.0, c 0.1.0, d 1.1.0");
}

#[test]
fn the_running_version_stays_if_it_will_do() {
    let world = World::new("a 1.0.0\n a 1.1.0\n a 1.2.0\n a 2.0.0");
    assert_eq!(world.clone().roots("a ^1").answer(), "a 1.2.0");
    assert_eq!(world.clone().running("a", "1.1.0").roots("a ^1").answer(), "a 1.1.0");
    assert_eq!(world.clone().running("a", "2.0.0").roots("a ^1").answer(), "a 1.2.0");
    // Its recipe must be at hand, like that of any other.
    assert_eq!(world.running("a", "1.0.5").roots("a ^1").answer(), "a 1.2.0");
}

#[test]
fn all_groups_count_together() {
    let world = World::new("a 1.0.0: c ^1\n b 1.0.0: c <1.5\n c 1.0.0\n c 1.9.0\n d 1.0.0");
    let world =
        world.roots("a 1.0.0").group(Local, "b 1.0.0, c *").group(ThingGroup("y".into()), "d *");
    assert_eq!(world.answer(), "a 1.0.0, b 1.0.0, c 1.0.0, d 1.0.0");
}

#[test]
fn a_later_requirement_changes_a_choice_and_drops_what_it_needed() {
    let world = World::new(
        "a 1.0.0: b *, c *
         c 1.0.0: d *
         d 1.0.0: b ^1
         b 1.0.0
         b 2.0.0: only-of-two *
         only-of-two 1.0.0",
    );
    assert_eq!(world.roots("a *").answer(), "a 1.0.0, b 1.0.0, c 1.0.0, d 1.0.0");
}

#[test]
fn another_version_in_between_is_tried() {
    let recipes = "a 1.0.0: b *, c 1.0.0
         b 1.0.0: c ^1
         b 2.0.0: c ^2
         b 3.0.0: e *
         e 1.0.0: c ^2
         c 1.0.0
         c 2.0.0";
    assert_eq!(World::new(recipes).roots("a *").exhausted().answer(), "a 1.0.0, b 1.0.0, c 1.0.0");
    // As long as a recipe may be had, it is asked for first.
    assert_eq!(World::new(recipes).roots("a *").answer(), "missing c: a 1.0.0, e ^2");
}

#[test]
fn what_is_missing_is_said_with_all_that_is_required() {
    let world =
        World::new("a 1.0.0: b ^1\n c 1.0.0: b >=1.2.0").roots("a *, c *").group(Local, "b *");
    assert_eq!(world.answer(), "missing b: LOCAL_DEPLOYMENT *, a ^1, c >=1.2.0");
    assert_eq!(World::default().roots("a ^1").answer(), "missing a: thinggroup/x ^1");
    let mut world = World::new("a 1.0.0: b ^1\n b 2.0.0").roots("a *");
    assert_eq!(world.answer(), "missing b: a ^1");
    world.known.get_mut("b").unwrap().versions.insert(version("1.5.0"), needs("c *"));
    assert_eq!(world.answer(), "missing c: b *");
}

#[test]
fn a_conflict_is_explained_up_to_the_groups() {
    let world = World::new(
        "a 1.0.0: c ^1
         b 1.0.0: c ^2
         c 1.0.0
         c 2.0.0
         d 2.0.0: a ^1",
    );
    let conflict = world.roots("b 1.0.0").group(Local, "d *").exhausted();
    assert_eq!(
        conflict.answer(),
        "no version of c will do: b 1.0.0 needs ^2 [because group thinggroup/x wants b 1.0.0]; \
         a 1.0.0 needs ^1 [because d 2.0.0 needs a ^1, because a local deployment wants d *]; \
         there are 1.0.0, 2.0.0"
    );
    assert_eq!(
        World::default()
            .roots("a 1.0.0")
            .group(ThingGroup("y".into()), "a 2.0.0")
            .exhausted()
            .answer(),
        "no version of a will do: group thinggroup/x wants 1.0.0; group thinggroup/y wants 2.0.0; \
         there is none at all"
    );
    let many: String = (0..30).map(|n| format!("a 1.{n}.0\n")).collect();
    let answer = World::new(&many).roots("a ^2").exhausted().answer();
    assert!(answer.ends_with("1.8.0, 1.9.0, 20 more"), "{answer}");
}

#[test]
fn the_host_stands_in_for_some_components() {
    let world = World::new("a 1.0.0: nucleus ^2, b *\n b 1.0.0: nucleus >=2.5 <3\n b 2.0.0: nucleus ^3\n nucleus 2.0.0: nowhere *")
        .provided("nucleus", "2.14.0");
    assert_eq!(world.clone().roots("b ^1, nucleus 2.0.0").answer(), "b 1.0.0");
    // Another version of what needs it is tried.
    assert_eq!(world.clone().roots("a *").answer(), "a 1.0.0, b 1.0.0");
    assert_eq!(
        world.roots("b ^2").answer(),
        "this host has nucleus 2.14.0 and no other: b 2.0.0 needs ^3 [because group thinggroup/x wants b ^2]"
    );
}

#[test]
fn a_circle_is_named() {
    let world =
        World::new("a 1.0.0: b *\n b 1.0.0: c *, d *\n c 1.0.0: b *\n d 1.0.0\n e 1.0.0: e *");
    assert_eq!(
        world.clone().roots("a *").answer(),
        "components need each other in a circle, so none can start first: b needs c, which needs b"
    );
    assert_eq!(
        world.clone().roots("e *").answer(),
        "components need each other in a circle, so none can start first: e needs e"
    );
    // What several need is no circle.
    assert_eq!(world.roots("d *").answer(), "d 1.0.0");
    let diamond = World::new("a 1.0.0: b *, c *\n b 1.0.0: d *\n c 1.0.0: d *\n d 1.0.0");
    assert_eq!(diamond.roots("a *").answer(), "a 1.0.0, b 1.0.0, c 1.0.0, d 1.0.0");
}

#[test]
fn a_pre_release_that_a_group_names_is_taken_for_all() {
    let world = World::new("a 1.0.0: b ^1.0.0\n b 1.0.0\n b 1.1.0-rc.1").roots("a *");
    assert_eq!(world.clone().answer(), "a 1.0.0, b 1.0.0");
    assert_eq!(world.group(Local, "b 1.1.0-rc.1").answer(), "a 1.0.0, b 1.1.0-rc.1");
}

#[test]
fn the_versions_of_a_recipe_are_known() {
    let recipe = Recipe::parse(
        "RecipeFormatVersion: 2020-01-25\nComponentName: a\nComponentVersion: 1.0.0\n\
         ComponentDependencies: {b: {VersionRequirement: ^1, DependencyType: SOFT}}\n",
    )
    .unwrap();
    let mut known = Known::default();
    known.add(&recipe);
    assert_eq!(known, World::new("a 1.0.0: b ^1").known["a"]);
}

#[test]
fn hostile_recipes_end_soon() {
    let started = std::time::Instant::now();
    // A chain, longer than is allowed.
    let chain: String = (0..2000).map(|n| format!("c{n} 1.0.0: c{} *\n", n + 1)).collect();
    assert_eq!(World::new(&chain).roots("c0 *").answer(), "more than 1000 components are needed");
    // Each version of each component excludes most of the others'.
    let mut tangle = String::new();
    for component in 0..12 {
        for of in 0..12 {
            tangle.push_str(&format!("c{component} {of}.0.0: "));
            let others = (0..12).filter(|other| *other != component);
            let needs = others.map(|other| format!("c{other} {}", (of * 5 + other * 7) % 12));
            tangle.push_str(&needs.collect::<Vec<_>>().join(", "));
            tangle.push('\n');
        }
    }
    let answer = World::new(&tangle).roots("c0 *").exhausted().resolve();
    assert!(answer.is_err(), "{answer:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

fn requirement() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "*",
        "^1",
        "^2",
        "1.0.0",
        "2.1.0",
        "<2",
        ">=1.1",
        "1.x || 2.1.0",
        "3.0.0-rc.1",
    ])
    .prop_map(Into::into)
}

fn some_needs() -> impl Strategy<Value = Needs> {
    prop::collection::btree_map("[a-e]", requirement(), 0..3).prop_map(|map| {
        map.iter()
            .map(|(component, requirement)| (name(component), requirement.parse().unwrap()))
            .collect()
    })
}

fn some_version() -> impl Strategy<Value = ComponentVersion> {
    prop::sample::select(vec!["1.0.0", "1.1.0", "2.0.0", "2.1.0", "3.0.0-rc.1"]).prop_map(version)
}

fn world() -> impl Strategy<Value = World> {
    let known = (prop::collection::btree_map(some_version(), some_needs(), 0..4), any::<bool>())
        .prop_map(|(versions, exhausted)| Known { versions, exhausted });
    let known = prop::collection::btree_map("[a-e]".prop_map(|text| name(&text)), known, 0..6);
    let versions = |most| {
        prop::collection::btree_map("[a-e]".prop_map(|text| name(&text)), some_version(), 0..most)
    };
    let roots = prop::collection::vec(some_needs(), 1..3);
    (known, roots, versions(3), versions(2)).prop_map(|(known, roots, running, provided)| {
        let groups = roots.into_iter().enumerate();
        let roots = groups.map(|(n, roots)| (ThingGroup(n.to_string()), roots)).collect();
        World { roots, known, running, provided }
    })
}

/// Every requirement of a component by groups and chosen versions.
fn required<'a>(
    world: &'a World,
    chosen: &BTreeMap<ComponentName, ComponentVersion>,
) -> BTreeMap<&'a ComponentName, Vec<(&'a VersionRequirement, bool)>> {
    let mut required = BTreeMap::<_, Vec<_>>::new();
    let of_groups = world.roots.values().map(|needs| (needs, true));
    let of_chosen =
        chosen.iter().map(|(name, version)| (&world.known[name].versions[version], false));
    for (needs, group) in of_groups.chain(of_chosen) {
        for (name, requirement) in needs {
            required.entry(name).or_default().push((requirement, group));
        }
    }
    required
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_resolved_satisfies_everyone(world in world()) {
        let answer = world.resolve();
        prop_assert_eq!(world.resolve(), answer.clone());
        match answer {
            Ok(Answer::Resolved(chosen)) => {
                let required = required(&world, &chosen);
                for (name, requirements) in &required {
                    if let Some(own) = world.provided.get(*name) {
                        let content = requirements.iter().all(|(want, group)| *group || want.matches(own));
                        prop_assert!(content && !chosen.contains_key(*name));
                    } else {
                        let requirements = requirements.iter().map(|(want, _)| *want);
                        prop_assert!(VersionRequirement::all_match(requirements, &chosen[*name]));
                    }
                }
                // Nothing is there that nobody needs.
                let needed: BTreeSet<_> = required.into_keys().collect();
                prop_assert!(chosen.keys().all(|name| needed.contains(name)));
            }
            Ok(Answer::Missing { component, wants }) => {
                prop_assert!(!world.provided.contains_key(&component));
                if let Some(known) = world.known.get(&component) {
                    prop_assert!(!known.exhausted);
                    let wants: Vec<_> = wants.iter().map(|want| &want.requirement).collect();
                    for version in known.versions.keys() {
                        prop_assert!(!VersionRequirement::all_match(wants.iter().copied(), version));
                    }
                }
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_caller_that_does_as_told_gets_an_end(mut world in world()) {
        // Each time the missing component is said to be exhausted, or a version is found for it.
        for turn in 0..100 {
            let Ok(Answer::Missing { component, wants }) = world.resolve() else { return Ok(()) };
            let known = world.known.entry(component).or_default();
            let found = ["1.5.0", "2.5.0", "1.0.0"].map(version).into_iter().find(|version| {
                VersionRequirement::all_match(wants.iter().map(|want| &want.requirement), version)
            });
            match found {
                Some(found) if turn % 2 == 0 => drop(known.versions.insert(found, Needs::new())),
                _ => known.exhausted = true,
            }
        }
        prop_assert!(false, "it goes on and on");
    }
}
