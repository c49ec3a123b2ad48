//! Pages of lists: how many are wanted, and after which.

use crate::registry::Refusal;
use crate::web::Call;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Most results in a page.
const LARGEST: usize = 100;

/// What page of a list is asked for.
pub(super) struct Page {
    /// So many at most.
    pub(super) size: usize,
    /// What comes after this.
    pub(super) after: Option<String>,
}

impl Page {
    /// That of a call (`maxResults`, `nextToken`).
    pub(super) fn of(call: &Call) -> Result<Self, Refusal> {
        let wrong = || Refusal::invalid("the token is not one of this server's");
        let after = call.query.get("nextToken").map(|token| {
            let text = URL_SAFE_NO_PAD.decode(token).ok();
            let text = text.and_then(|text| String::from_utf8(text).ok());
            text.ok_or_else(|| wrong().about("field", "nextToken"))
        });
        Ok(Self { size: call.page_size("maxResults", LARGEST)?, after: after.transpose()? })
    }

    /// The token of the page after the one that ends with this.
    pub(super) fn token(last: &str) -> String {
        URL_SAFE_NO_PAD.encode(last)
    }
}
