//! Texts with `*`, `?` and policy variables in them (IAM user guide, "Wildcards and tags in policies";
//! AWS IoT developer guide, "AWS IoT Core policy variables").

use super::context::Context;
use std::borrow::Cow;

/// Most letters of what is held against a pattern; more matches none.
pub(super) const LONGEST: usize = 4096;

/// Most letters of a pattern once its variables have their values.
const LONGEST_RESOLVED: usize = 16_384;

/// A pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pattern(Vec<Token>);

/// A piece of a pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Token {
    Letter(char),
    /// `?`
    One,
    /// `*`
    Any,
    /// `${…}`
    Variable(String),
}

/// What a variable that has no value stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unknown {
    /// Anything, where a statement denies.
    Anything,
    /// Nothing, where it allows.
    Nothing,
}

impl Pattern {
    /// Every text is a pattern; what does not close is text.
    pub(super) fn parse(text: &str) -> Self {
        let (mut tokens, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            let variable = rest.strip_prefix("${").and_then(|rest| rest.split_once('}'));
            let (token, after) = match (variable, first) {
                // These are how the letters themselves are written.
                (Some(("*", after)), _) => (Token::Letter('*'), after),
                (Some(("?", after)), _) => (Token::Letter('?'), after),
                (Some(("$", after)), _) => (Token::Letter('$'), after),
                (Some((name, after)), _) => (Token::Variable(name.to_owned()), after),
                (None, '*') => (Token::Any, &rest[1..]),
                (None, '?') => (Token::One, &rest[1..]),
                (None, letter) => (Token::Letter(letter), &rest[letter.len_utf8()..]),
            };
            tokens.push(token);
            rest = after;
        }
        Self(tokens)
    }

    /// Whether all its variables have values.
    pub(super) fn is_known(&self, context: &Context<'_>) -> bool {
        self.resolve(context, Unknown::Nothing).is_some()
    }

    /// Whether a text is what the pattern says.
    pub(super) fn matches(&self, text: &str, context: &Context<'_>, unknown: Unknown) -> bool {
        if text.len() > LONGEST {
            return unknown == Unknown::Anything;
        }
        match self.resolve(context, unknown) {
            Some(tokens) => matches(&tokens, &text.chars().collect::<Vec<_>>()),
            None => unknown == Unknown::Anything,
        }
    }

    /// Whether a text is this one, in which `*` and `?` are letters.
    pub(super) fn equals(&self, text: &str, context: &Context<'_>, any_case: bool) -> bool {
        let fold = |text: String| if any_case { text.to_lowercase() } else { text };
        let resolved = self.resolve(context, Unknown::Nothing);
        let letters = resolved.map(|tokens| {
            let letter = |token: &Token| match token {
                Token::Letter(letter) => *letter,
                Token::One => '?',
                Token::Any | Token::Variable(_) => '*',
            };
            tokens.iter().map(letter).collect::<String>()
        });
        letters.is_some_and(|letters| fold(letters) == fold(text.to_owned()))
    }

    /// With the values of its variables, whose letters are nothing but letters; `None`: one has none.
    pub(super) fn resolve(
        &self,
        context: &Context<'_>,
        unknown: Unknown,
    ) -> Option<Cow<'_, [Token]>> {
        if !self.0.iter().any(|token| matches!(token, Token::Variable(_))) {
            return Some(Cow::Borrowed(&self.0));
        }
        let mut tokens = Vec::with_capacity(2 * self.0.len());
        for token in &self.0 {
            match token {
                Token::Variable(name) => match (context.variable(name), unknown) {
                    (Some(value), _) => tokens.extend(value.chars().map(Token::Letter)),
                    (None, Unknown::Anything) => tokens.push(Token::Any),
                    (None, Unknown::Nothing) => return None,
                },
                other => tokens.push(other.clone()),
            }
            if tokens.len() > LONGEST_RESOLVED {
                return None;
            }
        }
        Some(Cow::Owned(tokens))
    }
}

/// Goes back only to the last `*`, so that it takes at most one length times the other.
fn matches(pattern: &[Token], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Any) => {
                last = Some((p, t));
                p += 1;
            }
            Some(Token::One) => (p, t) = (p + 1, t + 1),
            Some(Token::Letter(letter)) if *letter == text[t] => (p, t) = (p + 1, t + 1),
            _ => match last {
                Some((star, from)) => {
                    last = Some((star, from + 1));
                    (p, t) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| *token == Token::Any)
}
