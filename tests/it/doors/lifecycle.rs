//! What a component reports of itself.

use super::{Answer, Ask, Door, ME, Scene, through_both_doors};
use serde_json::json;

through_both_doors! {
    a_component_says_how_it_is,
}

fn a_component_says_how_it_is<D: Door>() {
    let mut scene = Scene::<D>::new(json!({}), json!({}));
    assert_eq!(scene.me.ask(Ask::Report { errored: false }), Answer::Done);
    assert_eq!(scene.me.ask(Ask::Report { errored: true }), Answer::Done);
    // In a run, one failure is enough for a component.
    scene.host.wait_until_said(ME, "reported the state ERRORED");
}
