use super::*;
use crate::registry::{Page, Paging};
use crate::state::{Sqlite, State};
use tempfile::TempDir;

const DAY: u64 = 24 * 60 * 60;

struct Bench {
    state: Box<dyn State>,
    vault: Vault,
    place: Place,
    folder: TempDir,
}

fn at(seconds: u64) -> Time {
    Time::from_seconds(seconds)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned().into())
}

/// An id of a version.
fn id(number: usize) -> String {
    format!("{number:032}")
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let state = Sqlite::open(&folder.path().join("state.sqlite")).unwrap();
        let vault = Vault::open(&folder.path().join("secrets.json")).unwrap();
        Self { state: Box::new(state), vault, place: Place::new(None, None).unwrap(), folder }
    }

    fn create(&self, name: &str, value: Option<(&str, &str)>) -> Result<Secret, Refusal> {
        let value = value.map(|(id, plain)| (id.to_owned(), text(plain)));
        let creation = Creation { name: name.to_owned(), value, ..Creation::default() };
        self.state.change(|tx| create(tx, &self.place, &self.vault, creation, at(1)))
    }

    fn put(&self, number: usize, value: &str, stages: Option<&[&str]>) -> Result<Secret, Refusal> {
        let stages = stages.map(|stages| stages.iter().map(|&stage| stage.to_owned()).collect());
        let (id, value) = (id(number), text(value));
        self.state.change(|tx| {
            let what = (id.as_str(), &value);
            put_value(tx, &self.place, &self.vault, "a", what, stages, at(number as u64))
        })
    }

    fn get(&self, secret: &str, which: &Which) -> Result<Found, Refusal> {
        let rows = self.state.snapshot().unwrap();
        get_value(rows.as_ref(), &self.place, &self.vault, secret, which)
    }

    fn staged(&self, stage: &str) -> Result<Value, Refusal> {
        let which = Which { version: None, stage: Some(stage.to_owned()) };
        Ok(self.get("a", &which)?.value)
    }

    fn move_stage(
        &self,
        stage: &str,
        way: (Option<&str>, Option<&str>),
    ) -> Result<Secret, Refusal> {
        self.state.change(|tx| move_stage(tx, &self.place, "a", stage, way, at(9)))
    }

    fn delete(&self, how: Delete) -> Result<(Secret, Time), Refusal> {
        self.state.change(|tx| delete(tx, &self.place, "a", how, at(0)))
    }

    fn names(&self, filters: &[Filter], order: &Order, paging: &Paging) -> Page<String> {
        let rows = self.state.snapshot().unwrap();
        let page = list(rows.as_ref(), &self.place, filters, order, paging).unwrap();
        Page { items: page.items.into_iter().map(|(one, _)| one.name).collect(), next: page.next }
    }
}

#[test]
fn labels_move_with_what_is_put() {
    let bench = Bench::new();
    bench.create("a", Some((&id(1), "one"))).unwrap();
    bench.put(2, "two", None).unwrap();
    assert_eq!(bench.staged(CURRENT).unwrap(), text("two"));
    assert_eq!(bench.staged(PREVIOUS).unwrap(), text("one"));
    bench.put(3, "three", Some(&[PENDING])).unwrap();
    assert_eq!(bench.staged(CURRENT).unwrap(), text("two"));
    assert_eq!(bench.staged(PENDING).unwrap(), text("three"));
    // Moving the current one has the one before behind it.
    bench.move_stage(CURRENT, (Some(&id(2)), Some(&id(3)))).unwrap();
    assert_eq!(bench.staged(CURRENT).unwrap(), text("three"));
    assert_eq!(bench.staged(PREVIOUS).unwrap(), text("two"));
    let one = Which { version: Some(id(1)), stage: None };
    assert_eq!(bench.get("a", &one).unwrap().value, text("one"));
    let both = Which { version: Some(id(1)), stage: Some(CURRENT.to_owned()) };
    assert_eq!(bench.get("a", &both).unwrap_err().kind, Kind::NotFound);
    assert_eq!(bench.staged("none").unwrap_err().kind, Kind::NotFound);
}

#[test]
fn labels_are_moved_only_from_where_they_are() {
    let bench = Bench::new();
    bench.create("a", Some((&id(1), "one"))).unwrap();
    bench.put(2, "two", Some(&["own"])).unwrap();
    let (one, two, none) = (id(1), id(2), id(7));
    for (stage, from, to, wanted) in [
        (CURRENT, None, Some(&two), Kind::Invalid),
        (CURRENT, Some(&two), Some(&one), Kind::Invalid),
        (CURRENT, Some(&one), None, Kind::Invalid),
        ("free", Some(&one), None, Kind::Invalid),
        ("own", None, None, Kind::Invalid),
        ("own", None, Some(&none), Kind::NotFound),
    ] {
        let way = (from.map(String::as_str), to.map(String::as_str));
        assert_eq!(bench.move_stage(stage, way).unwrap_err().kind, wanted, "{stage} {way:?}");
    }
    bench.move_stage("own", (Some(&id(2)), None)).unwrap();
    assert_eq!(bench.staged("own").unwrap_err().kind, Kind::NotFound);
    bench.move_stage("own", (None, Some(&id(1)))).unwrap();
    bench.move_stage("own", (None, Some(&id(1)))).unwrap();
    assert_eq!(bench.staged("own").unwrap(), text("one"));
}

#[test]
fn a_repeated_request_changes_nothing_and_another_value_is_refused() {
    let bench = Bench::new();
    let made = bench.create("a", Some((&id(1), "one"))).unwrap();
    assert_eq!(bench.create("a", Some((&id(1), "one"))).unwrap().suffix, made.suffix);
    assert_eq!(bench.create("a", Some((&id(1), "other"))).unwrap_err().kind, Kind::Exists);
    assert_eq!(bench.create("a", None).unwrap_err().kind, Kind::Exists);
    bench.put(2, "two", None).unwrap();
    bench.put(3, "three", None).unwrap();
    bench.put(2, "two", None).unwrap();
    assert_eq!(bench.staged(CURRENT).unwrap(), text("three"));
    assert_eq!(bench.put(2, "other", None).unwrap_err().kind, Kind::Exists);
    let short: Result<Secret, Refusal> = bench.state.change(|tx| {
        put_value(tx, &bench.place, &bench.vault, "a", ("short", &text("x")), None, at(1))
    });
    assert_eq!(short.unwrap_err().kind, Kind::Invalid);
}

#[test]
fn a_secret_is_found_by_name_and_arn_with_its_end_and_without() {
    let bench = Bench::new();
    let made = bench.create("a", Some((&id(1), "one"))).unwrap();
    let arn = made.arn(&bench.place);
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:a-"), "{arn}");
    assert_eq!(arn.len() - arn.rfind('-').unwrap(), 7);
    let partial = arn.rsplit_once('-').unwrap().0;
    let kind = |id: &str| bench.get(id, &Which::default()).map(|_| ()).map_err(|one| one.kind);
    for found in ["a", &arn, partial] {
        assert_eq!(kind(found), Ok(()), "{found}");
    }
    let other = format!("{partial}-AAAAAA");
    let elsewhere = arn.replace("us-east-1", "us-east-2");
    for absent in ["b", "", &other, &elsewhere] {
        assert_eq!(kind(absent), Err(Kind::NotFound), "{absent}");
    }
    // A name may end as ARNs do.
    bench.create("a-bcdefg", Some((&id(1), "two"))).unwrap();
    let whole = format!("{partial}-bcdefg");
    assert_eq!(bench.get(&whole, &Which::default()).unwrap().value, text("two"));
}

#[test]
fn what_is_deleted_can_be_taken_back_until_it_is_due() {
    let bench = Bench::new();
    bench.create("a", Some((&id(1), "one"))).unwrap();
    let days = |days| Delete { days: Some(days), force: false };
    assert_eq!(bench.delete(days(6)).unwrap_err().kind, Kind::Invalid);
    assert_eq!(bench.delete(days(31)).unwrap_err().kind, Kind::Invalid);
    let both = Delete { days: Some(7), force: true };
    assert_eq!(bench.delete(both).unwrap_err().kind, Kind::Invalid);
    assert_eq!(bench.delete(days(7)).unwrap().1, at(7 * DAY));
    assert_eq!(bench.delete(days(7)).unwrap_err().kind, Kind::State);
    assert_eq!(bench.staged(CURRENT).unwrap_err().kind, Kind::State);
    assert_eq!(bench.create("a", None).unwrap_err().kind, Kind::State);
    assert_eq!(bench.names(&[], &Order::default(), &Paging::all()).items, [""; 0]);
    let deleted = Order { deleted: true, ..Order::default() };
    assert_eq!(bench.names(&[], &deleted, &Paging::all()).items, ["a"]);
    let expire = |at| bench.state.change(|tx| expire(tx, &bench.place, at)).unwrap();
    expire(at(7 * DAY - 1));
    let restored: Result<Secret, Refusal> = bench.state.change(|tx| restore(tx, &bench.place, "a"));
    restored.unwrap();
    expire(at(8 * DAY));
    assert_eq!(bench.staged(CURRENT).unwrap(), text("one"));

    assert_eq!(bench.delete(Delete::default()).unwrap().1, at(30 * DAY));
    expire(at(30 * DAY));
    assert_eq!(bench.staged(CURRENT).unwrap_err().kind, Kind::NotFound);
    assert!(!any(bench.state.snapshot().unwrap().as_ref()).unwrap());
    bench.create("a", Some((&id(1), "new"))).unwrap();
    bench.delete(Delete { force: true, days: None }).unwrap();
    bench.create("a", Some((&id(1), "newer"))).unwrap();
    assert_eq!(bench.staged(CURRENT).unwrap(), text("newer"));
}

#[test]
fn old_versions_without_labels_go() {
    let bench = Bench::new();
    bench.create("a", Some((&id(0), "v"))).unwrap();
    for number in 1..=105 {
        bench.put(number, &format!("v{number}"), None).unwrap();
    }
    let secret = find(bench.state.snapshot().unwrap().as_ref(), &bench.place, "a").unwrap();
    assert_eq!(secret.versions.len(), 100);
    assert_eq!(bench.staged(PREVIOUS).unwrap(), text("v104"));
    let old = Which { version: Some(id(2)), stage: None };
    assert_eq!(bench.get("a", &old).unwrap_err().kind, Kind::NotFound);
}

#[test]
fn what_cannot_be_is_refused() {
    let bench = Bench::new();
    for name in ["", "a b", "ä", "a:b", "a".repeat(513).as_str()] {
        assert_eq!(bench.create(name, None).unwrap_err().kind, Kind::Invalid, "{name}");
    }
    bench.create("a", None).unwrap();
    assert_eq!(bench.staged(CURRENT).unwrap_err().kind, Kind::NotFound);
    assert_eq!(bench.put(1, "", None).unwrap_err().kind, Kind::Invalid);
    assert_eq!(bench.put(1, &"x".repeat(65_537), None).unwrap_err().kind, Kind::Invalid);
    assert_eq!(bench.put(1, "x", Some(&[])).unwrap_err().kind, Kind::Invalid);
    let labels: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    // With the current one's there are too many.
    assert_eq!(bench.put(1, "x", Some(&labels)).unwrap_err().kind, Kind::Limit);
    bench.put(1, &"x".repeat(65_536), None).unwrap();
}

#[test]
fn values_are_in_no_file() {
    let bench = Bench::new();
    bench.create("a", Some((&id(1), "correct horse battery staple"))).unwrap();
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(13).any(|window| window == b"horse battery"));
    }
    let shown = format!("{:?} {:?}", bench.get("a", &Which::default()), bench.vault);
    assert!(!shown.contains("horse"), "{shown}");
    // Another key opens nothing.
    let other = Bench::new();
    let rows = bench.state.snapshot().unwrap();
    let refused =
        get_value(rows.as_ref(), &bench.place, &other.vault, "a", &Which::default()).unwrap_err();
    assert_eq!(refused.kind, Kind::Damaged);
}

#[test]
fn lists_are_filtered_and_in_order() {
    let bench = Bench::new();
    for (name, description) in [("prod/a", "Main"), ("prod/b", "other"), ("test/c", "main two")] {
        let creation = Creation {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            tags: BTreeMap::from([("stage".to_owned(), name[..4].to_owned())]),
            ..Creation::default()
        };
        let made: Result<Secret, Refusal> =
            bench.state.change(|tx| create(tx, &bench.place, &bench.vault, creation, at(1)));
        made.unwrap();
    }
    let filtered = |field, values: &[&str]| {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        bench.names(&[Filter { field, values }], &Order::default(), &Paging::all()).items
    };
    assert_eq!(filtered(Field::Name, &["prod/"]), ["prod/a", "prod/b"]);
    assert_eq!(filtered(Field::Name, &["!prod/a"]), ["prod/b", "test/c"]);
    assert_eq!(filtered(Field::Description, &["MAIN"]), ["prod/a", "test/c"]);
    assert_eq!(filtered(Field::TagKey, &["stage"]).len(), 3);
    assert_eq!(filtered(Field::TagValue, &["test", "none"]), ["test/c"]);
    assert_eq!(filtered(Field::All, &["OTHER"]), ["prod/b"]);
    assert_eq!(filtered(Field::Nothing, &["us-east-1"]), [""; 0]);
    for (descends, wanted) in
        [(false, ["prod/a", "prod/b", "test/c"]), (true, ["test/c", "prod/b", "prod/a"])]
    {
        let order = Order { descends, sort: Sort::Name, deleted: false };
        let first = bench.names(&[], &order, &Paging::new(None, 2).unwrap());
        let rest = Paging::new(first.next.as_deref(), 2).unwrap();
        let second = bench.names(&[], &order, &rest);
        assert_eq!([first.items, second.items].concat(), wanted);
        assert_eq!(second.next, None);
    }
}
