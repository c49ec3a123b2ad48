//! Whether policies let somebody do something (IAM user guide, "Policy evaluation logic"): what no
//! statement allows is not allowed, and what one denies is denied, whatever the others say.

use super::condition::Holds;
use super::context::{Context, Decision, Request, Subject};
use super::document::{Document, Effect, Statement};
use super::pattern::{Pattern, Unknown};

/// What all the policies of somebody say to what is wanted.
pub fn authorize<'d>(
    documents: impl IntoIterator<Item = &'d Document>,
    subject: &Subject<'_>,
    request: &Request<'_>,
) -> Decision {
    let context = Context { subject, request };
    let action = request.action.to_lowercase();
    let mut decision = Decision::NotAllowed;
    for statement in documents.into_iter().flat_map(|document| &document.statements) {
        match (statement.effect, statement.applies(&action, &context)) {
            (_, false) => {}
            (Effect::Allow, true) => decision = Decision::Allowed,
            (Effect::Deny, true) => return Decision::Denied,
        }
    }
    decision
}

impl Statement {
    /// Where it cannot be told, a statement that denies does, and one that allows does not.
    fn applies(&self, action: &str, context: &Context<'_>) -> bool {
        let unknown = match self.effect {
            Effect::Allow => Unknown::Nothing,
            Effect::Deny => Unknown::Anything,
        };
        let Request { resource, all, .. } = *context.request;
        let is_of = |pattern: &Pattern| match (all, self.effect) {
            (false, _) => pattern.matches(resource, context, unknown),
            (true, Effect::Allow) => pattern.takes_all(resource, context),
            (true, Effect::Deny) => pattern.takes_any(resource, context),
        };
        self.actions.iter().any(|pattern| pattern.matches(action, context, unknown))
            && self.resources.iter().any(is_of)
            && self.conditions.iter().all(|condition| match condition.holds(context) {
                Holds::Yes => true,
                Holds::No => false,
                Holds::Unknown => self.effect == Effect::Deny,
            })
    }
}
