use super::*;
use Event as E;
use LifecycleState as S;

const HOUR: Duration = Duration::from_secs(3600);

fn machine(most_errors: u32) -> Machine {
    Machine::new(Treatment { most_errors, error_reset: HOUR })
}

fn after(most_errors: u32, events: &[Event]) -> (LifecycleState, Option<Action>) {
    let (mut machine, now) = (machine(most_errors), Instant::now());
    let mut last = None;
    for event in events {
        last = machine.on(*event, now);
    }
    (machine.state(), last)
}

const UP: [Event; 4] = [E::StartRequested, E::Installed, E::Ready, E::Up];

fn up_then(events: &[Event]) -> Vec<Event> {
    [UP.as_slice(), events].concat()
}

#[test]
fn a_life_without_trouble() {
    let (mut machine, now) = (machine(3), Instant::now());
    let steps = [
        (E::StartRequested, S::New, Some(Action::Install)),
        (E::Installed, S::Installed, Some(Action::Await)),
        (E::Ready, S::Starting, Some(Action::Start)),
        (E::Up, S::Running, None),
        (E::Finished, S::Stopping, Some(Action::Stop)),
        (E::Stopped, S::Finished, None),
    ];
    for (event, state, action) in steps {
        assert_eq!(machine.on(event, now), action, "{event:?}");
        assert_eq!(machine.state(), state, "{event:?}");
    }
}

#[test]
fn the_last_allowed_error_breaks_and_what_is_left_of_it_is_stopped() {
    let once = up_then(&[E::Failed]);
    assert_eq!(after(1, &once), (S::Broken, Some(Action::Stop)));
    assert_eq!(after(2, &once), (S::Errored, Some(Action::Recover)));
    let again = [E::Recovered, E::Ready, E::Up, E::Failed];
    assert_eq!(after(2, &[once, again.to_vec()].concat()), (S::Broken, Some(Action::Stop)));
}

#[test]
fn errors_count_by_the_state_they_come_from() {
    let events = up_then(&[E::Failed, E::Recovered, E::Ready, E::Failed]);
    assert_eq!(after(2, &events), (S::Errored, Some(Action::Recover)));
}

#[test]
fn an_old_error_no_longer_counts() {
    let (mut machine, begin) = (machine(2), Instant::now());
    for event in up_then(&[E::Failed, E::Recovered, E::Ready, E::Up]) {
        machine.on(event, begin);
    }
    machine.on(E::Failed, begin + HOUR + Duration::from_secs(1));
    assert_eq!(machine.state(), S::Errored);
}

#[test]
fn what_failed_to_install_is_installed_again() {
    let events = [E::StartRequested, E::Failed];
    assert_eq!(after(3, &events), (S::Errored, Some(Action::Recover)));
    assert_eq!(after(3, &[&events[..], &[E::Recovered]].concat()), (S::New, Some(Action::Install)));
}

#[test]
fn a_stop_leads_to_finished_from_everywhere() {
    assert_eq!(after(1, &up_then(&[E::StopRequested])), (S::Stopping, Some(Action::Stop)));
    assert_eq!(after(1, &up_then(&[E::StopRequested, E::Stopped])).0, S::Finished);
    assert_eq!(after(1, &up_then(&[E::StopRequested, E::Failed])).0, S::Stopping);
    assert_eq!(after(1, &[E::StartRequested, E::Installed, E::StopRequested]).0, S::Finished);
    assert_eq!(after(3, &up_then(&[E::Failed, E::StopRequested])).0, S::Finished);
}

#[test]
fn it_starts_again_when_what_it_depends_on_is_back() {
    let lost = up_then(&[E::DependencyLost]);
    assert_eq!(after(1, &lost), (S::Stopping, Some(Action::Stop)));
    let stopped = [lost, vec![E::Stopped]].concat();
    assert_eq!(after(1, &stopped), (S::Installed, Some(Action::Await)));
    assert_eq!(after(1, &[stopped, vec![E::Ready]].concat()), (S::Starting, Some(Action::Start)));
}

#[test]
fn a_start_while_it_stops_starts_it_again_after_that() {
    let events = up_then(&[E::StopRequested, E::StartRequested, E::Stopped]);
    assert_eq!(after(1, &events), (S::Installed, Some(Action::Await)));
}

#[test]
fn another_version_takes_its_place_once_it_has_stopped() {
    let events = up_then(&[E::RenewRequested]);
    assert_eq!(after(1, &events), (S::Stopping, Some(Action::Stop)));
    assert_eq!(after(1, &[events, vec![E::Stopped]].concat()), (S::New, Some(Action::Renew)));
    let broken = up_then(&[E::Failed, E::RenewRequested]);
    assert_eq!(after(1, &broken), (S::New, Some(Action::Renew)));
}

#[test]
fn a_broken_component_starts_again_only_on_request() {
    let broken = up_then(&[E::Failed]);
    assert_eq!(after(1, &[broken.clone(), vec![E::Recovered]].concat()), (S::Broken, None));
    let asked = [broken, vec![E::StartRequested]].concat();
    assert_eq!(after(1, &asked), (S::Installed, Some(Action::Await)));
}

#[test]
fn events_out_of_place_change_nothing() {
    assert_eq!(after(1, &[E::Up]), (S::New, None));
    assert_eq!(after(1, &[E::Finished]), (S::New, None));
    assert_eq!(after(1, &[E::StartRequested, E::Installed, E::Installed]).0, S::Installed);
}
