//! Certificates of things. They are named by their ARNs, in a header.

use super::{done, each, page, paging};
use crate::registry::page::of_names;
use crate::registry::{Place, Refusal, Registry, certificates, principals, things};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde_json::Value;

const PRINCIPALS: &str = "/things/{thingName}/principals";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::PUT, PRINCIPALS, "AttachThingPrincipal", attach),
    Operation::new(Method::DELETE, PRINCIPALS, "DetachThingPrincipal", detach),
    Operation::new(Method::GET, PRINCIPALS, "ListThingPrincipals", of_thing),
    Operation::new(Method::GET, "/principals/things", "ListPrincipalThings", things_of),
];

fn certificate<'a>(place: &Place, call: &'a Call) -> Result<&'a str, Refusal> {
    let header = call.headers.get("x-amzn-principal").and_then(|header| header.to_str().ok());
    let id = header.and_then(|arn| place.named(arn, "iot", "cert"));
    id.ok_or_else(|| Refusal::invalid("the principal is not the ARN of a certificate here"))
}

fn attach(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    if call.query.get("thingPrincipalType").is_some_and(|kind| kind != "NON_EXCLUSIVE_THING") {
        return Err(Refusal::invalid("gg-cloud attaches certificates as NON_EXCLUSIVE_THING only"));
    }
    let certificate = certificate(&registry.place, call)?;
    registry
        .state
        .change_with_others(|tx| principals::attach(tx, call.part("thingName"), certificate))?;
    done()
}

fn detach(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let certificate = certificate(&registry.place, call)?;
    registry.state.change(|tx| principals::detach(tx, call.part("thingName"), certificate))?;
    done()
}

fn of_thing(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (rows, thing) = (registry.state.snapshot()?, call.part("thingName"));
    things::require(rows.as_ref(), thing)?;
    let found = principals::of_thing(rows.as_ref(), thing)?;
    let found = of_names(found, &paging(call, "maxResults", "nextToken")?);
    let found = each(found, |id| certificates::arn(&registry.place, &id).into());
    Ok(page("principals", "nextToken", found))
}

fn things_of(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (rows, certificate) = (registry.state.snapshot()?, certificate(&registry.place, call)?);
    certificates::require(rows.as_ref(), certificate)?;
    let found = principals::things_of(rows.as_ref(), certificate)?;
    let found = of_names(found, &paging(call, "maxResults", "nextToken")?);
    Ok(page("things", "nextToken", each(found, Value::String)))
}
