//! How a registry wants to be asked: the header `WWW-Authenticate` (RFC 9110, 11.6.1), by which it sends
//! who asks to a server for tokens (OCI distribution specification; Docker Registry, "Token Authentication
//! Specification").

/// Most bytes that are read.
const LONGEST: usize = 4096;

/// What a registry wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Challenge {
    /// Name and password, with each request.
    Basic,
    /// A token.
    Bearer {
        /// Who gives it.
        realm: String,
        /// Whom it is for.
        service: Option<String>,
        /// For what.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Read a header; `None` where it asks for nothing that is known here. Of several the first that is
    /// known is taken.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest =
            text.get(..text.len().min(LONGEST)).filter(|_| text.len() <= LONGEST)?.trim();
        while !rest.is_empty() {
            let (scheme, parameters) = rest.split_once(' ').unwrap_or((rest, ""));
            let (found, after) = parameters_of(parameters)?;
            let value = |name: &str| {
                let mut found = found.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
                found.next().map(|(_, value)| value.clone())
            };
            if scheme.trim_end_matches(',').eq_ignore_ascii_case("basic") {
                return Some(Self::Basic);
            }
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = value("realm")
            {
                return Some(Self::Bearer {
                    realm,
                    service: value("service"),
                    scope: value("scope"),
                });
            }
            rest = after;
        }
        None
    }
}

/// `name="value", name=value`, as far as they go, and the text of the next challenge.
fn parameters_of(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', ',', '\t']);
    while !rest.is_empty() {
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.!#$%&'*+^`|~".contains(c);
        let length = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        // What follows another word than `=` is another challenge.
        let Some(value) = after.trim_start().strip_prefix('=').filter(|_| !name.is_empty()) else {
            return (!name.is_empty()).then_some((found, rest));
        };
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let length = value.find([',', ' ', '\t']).unwrap_or(value.len());
                (value[..length].to_owned(), &value[length..])
            }
        };
        found.push((name.to_owned(), value));
        rest = after.trim_start_matches([' ', ',', '\t']);
    }
    Some((found, rest))
}

/// A text up to its quotation mark, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((value, &text[at + 1..])),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: text(service),
            scope: text(scope),
        })
    }

    #[test]
    fn a_challenge_says_where_tokens_are_had() {
        let of = Challenge::parse;
        assert_eq!(
            of(
                r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:me/a:pull,push""#
            ),
            bearer("https://ghcr.io/token", Some("ghcr.io"), Some("repository:me/a:pull,push"))
        );
        assert_eq!(of(r#"bearer  Realm = "a\"b" , other=7"#), bearer("a\"b", None, None));
        assert_eq!(of(r#"Basic realm="x""#), Some(Challenge::Basic));
        assert_eq!(of("Basic"), Some(Challenge::Basic));
        let several = r#"Negotiate, Digest realm="x", nonce=1, Bearer realm="https://a/t""#;
        assert_eq!(of(several), bearer("https://a/t", None, None));
    }

    #[test]
    fn what_asks_for_nothing_known_is_none() {
        let long = format!("Bearer realm=\"{}\"", "x".repeat(5000));
        for text in
            ["", "Bearer", "Bearer realm=\"x", "Digest realm=\"x\"", "=,=", "Bearer =x", "é", &long]
        {
            assert_eq!(Challenge::parse(text), None, "{text}");
        }
    }
}
