//! Resource patterns: how the resources of a policy are written, and which requests they cover.
//!
//! `*` stands for any run of characters, `/` included, the empty one too. `${*}`, `${?}` and
//! `${$}` are those characters themselves. In [`ResourceStyle::Mqtt`] a level `+` and a last level
//! `#` are wildcards as well.

use super::glob::{ANY_LEVEL, ANY_TAIL, Glob, Token};
use super::{MAX_RESOURCE_BYTES, PolicyError};
use crate::text::excerpt;

/// How the resources of an operation are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceStyle {
    /// As text; `+` and `#` in a policy are plain characters. For everything but cloud MQTT.
    Standard,
    /// As topic filters. A request that is itself a filter must be covered as a whole: a policy
    /// `a/+` lets a component publish to `a/b` and subscribe to `a/+`, but not subscribe to `a/#`.
    /// The Java nucleus compares the request's text alone and allows the last; and `a/*`, which
    /// does not cover the topic `a`, does not allow `a/#` either. A policy's wildcard covers
    /// topics that begin with `$` too, as in the Java nucleus.
    Mqtt,
}

/// Why a text is not a resource pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// It has no characters.
    #[error("is empty; write `*` for all resources")]
    Empty,
    /// It holds a `?`, which is reserved.
    #[error("contains a bare `?`; write `${{?}}` for the character itself")]
    QuestionMark,
    /// It holds `${…}` with something else than `*`, `?` or `$`.
    #[error(
        "contains `${{…}}` that is none of `${{*}}`, `${{?}}`, `${{$}}`; a recipe variable has no `$`"
    )]
    Escape,
}

/// A parsed resource.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ResourcePattern {
    /// What it is where `+` and `#` are characters.
    standard: Glob,
    /// What it is where they are wildcards, if that differs: any of these.
    mqtt: Vec<Glob>,
}

/// A request's resource, made ready to be compared with many patterns.
pub(super) struct Request<'r> {
    style: ResourceStyle,
    /// All of these must be covered.
    texts: Texts<'r>,
}

enum Texts<'r> {
    /// The text as it came.
    One(&'r [u8]),
    /// A requested filter, with [`ANY_LEVEL`] for a level `+` and [`ANY_TAIL`] for a last `#`.
    Filter(Vec<Vec<u8>>),
}

impl ResourcePattern {
    pub(super) fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > MAX_RESOURCE_BYTES {
            return Err(PolicyError::ResourceTooLong { length: text.len() });
        }
        let tokens = tokens(text)
            .map_err(|reason| PolicyError::Resource { resource: excerpt(text), reason })?;
        let standard = Glob::new(&tokens);
        let mqtt = alternatives(
            tokens,
            [Token::Literal(b'+'), Token::Literal(b'#')],
            [Token::Level, Token::Star],
        );
        let mqtt: Vec<Glob> = mqtt.iter().map(|tokens| Glob::new(tokens)).collect();
        let same = mqtt.len() == 1 && mqtt.first() == Some(&standard);
        Ok(Self { standard, mqtt: if same { Vec::new() } else { mqtt } })
    }

    pub(super) fn covers(&self, request: &Request<'_>) -> bool {
        let globs = match request.style {
            ResourceStyle::Mqtt if !self.mqtt.is_empty() => self.mqtt.as_slice(),
            _ => std::slice::from_ref(&self.standard),
        };
        let covered = |text: &[u8]| globs.iter().any(|glob| glob.covers(text));
        match &request.texts {
            Texts::One(text) => covered(text),
            Texts::Filter(texts) => texts.iter().all(|text| covered(text)),
        }
    }
}

impl<'r> Request<'r> {
    pub(super) fn new(resource: &'r str, style: ResourceStyle) -> Self {
        let text = resource.as_bytes();
        let filter = style == ResourceStyle::Mqtt && resource.contains(['+', '#']);
        let texts = if filter {
            Texts::Filter(alternatives(text.to_vec(), [b'+', b'#'], [ANY_LEVEL, ANY_TAIL]))
        } else {
            Texts::One(text)
        };
        Self { style, texts }
    }
}

/// Replace each whole level `+` by `level`, and split at a last level `#`: `a/#` is `a`, or `a/`
/// and any `tail`. The parent of `/#` would be a topic without characters, which does not exist.
fn alternatives<T: Copy + PartialEq + Slash>(
    mut text: Vec<T>,
    [plus, hash]: [T; 2],
    [level, tail]: [T; 2],
) -> Vec<Vec<T>> {
    for index in 0..text.len() {
        let starts = index == 0 || text[index - 1].is_slash();
        let ends = index + 1 == text.len() || text[index + 1].is_slash();
        if text[index] == plus && starts && ends {
            text[index] = level;
        }
    }
    let mut all = Vec::new();
    if let [before @ .., last] = text.as_mut_slice()
        && *last == hash
        && before.last().is_none_or(Slash::is_slash)
    {
        *last = tail;
        if let [parent @ .., _slash] = before
            && !parent.is_empty()
        {
            all.push(parent.to_vec());
        }
    }
    all.push(text);
    all
}

trait Slash {
    fn is_slash(&self) -> bool;
}

impl Slash for u8 {
    fn is_slash(&self) -> bool {
        *self == b'/'
    }
}

impl Slash for Token {
    fn is_slash(&self) -> bool {
        *self == Self::Literal(b'/')
    }
}

/// Resolve escapes and find the stars.
fn tokens(text: &str) -> Result<Vec<Token>, ResourceError> {
    if text.is_empty() {
        return Err(ResourceError::Empty);
    }
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        tokens.push(match (byte, after) {
            (b'*', _) => Token::Star,
            (b'?', _) => return Err(ResourceError::QuestionMark),
            (b'$', [b'{', literal @ (b'*' | b'?' | b'$'), b'}', after @ ..]) => {
                rest = after;
                Token::Literal(*literal)
            }
            (b'$', [b'{', ..]) => return Err(ResourceError::Escape),
            (byte, _) => Token::Literal(*byte),
        });
    }
    Ok(tokens)
}
