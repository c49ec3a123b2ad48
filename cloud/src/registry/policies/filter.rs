//! Patterns and all the topics that a filter of MQTT matches: whether a pattern takes them all, or any.
//!
//! The topic above `#`, which `a/#` matches too, counts as taken where those below it are.

use super::context::Context;
use super::pattern::{LONGEST, Pattern, Token, Unknown};

/// Most steps to find out whether two patterns have a text in common.
const MOST_STEPS: usize = 4 << 20;

/// A piece of a filter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Piece {
    Letter(char),
    /// `+`: anything without `/`.
    Level,
    /// `#`: anything.
    Rest,
}

/// The pieces of a filter, which may stand after other letters that end with `/`.
fn pieces(filter: &str) -> Vec<Piece> {
    let levels: Vec<&str> = filter.split('/').collect();
    let mut pieces = Vec::with_capacity(filter.len());
    for (index, level) in levels.iter().enumerate() {
        if index > 0 {
            pieces.push(Piece::Letter('/'));
        }
        match *level {
            "+" => pieces.push(Piece::Level),
            "#" if index + 1 == levels.len() => pieces.push(Piece::Rest),
            letters => pieces.extend(letters.chars().map(Piece::Letter)),
        }
    }
    pieces
}

impl Pattern {
    /// Whether the pattern takes everything that the filter matches: its own `*` take what is not
    /// written out in the filter, and nothing else does.
    pub(super) fn takes_all(&self, filter: &str, context: &Context<'_>) -> bool {
        let tokens = self.resolve(context, Unknown::Nothing);
        let Some(tokens) = tokens.filter(|_| filter.len() <= LONGEST) else { return false };
        let pieces = pieces(filter);
        let (mut t, mut p) = (0, 0);
        let mut last: Option<(usize, usize)> = None;
        while p < pieces.len() {
            match (tokens.get(t), pieces[p]) {
                (Some(Token::Any), _) => {
                    last = Some((t, p));
                    t += 1;
                }
                (Some(Token::One), Piece::Letter(_)) => (t, p) = (t + 1, p + 1),
                (Some(Token::Letter(one)), Piece::Letter(other)) if *one == other => {
                    (t, p) = (t + 1, p + 1);
                }
                _ => match last {
                    Some((any, from)) => {
                        last = Some((any, from + 1));
                        (t, p) = (any + 1, from + 1);
                    }
                    None => return false,
                },
            }
        }
        tokens[t..].iter().all(|token| *token == Token::Any)
    }

    /// Whether the pattern may take anything that the filter matches.
    pub(super) fn takes_any(&self, filter: &str, context: &Context<'_>) -> bool {
        let Some(tokens) = self.resolve(context, Unknown::Anything) else { return true };
        let above = filter.strip_suffix("/#").map(pieces);
        [Some(pieces(filter)), above].iter().flatten().any(|pieces| meet(&tokens, pieces))
    }
}

/// Whether a text is what both say.
fn meet(tokens: &[Token], pieces: &[Piece]) -> bool {
    if tokens.len().saturating_mul(pieces.len()) > MOST_STEPS {
        return true;
    }
    // For each beginning of the tokens, which beginnings of the pieces can say the same.
    let mut reached = vec![false; pieces.len() + 1];
    reached[0] = true;
    for token in tokens {
        through(&mut reached, pieces, *token == Token::Any);
        if *token == Token::Any {
            continue;
        }
        let mut next = vec![false; pieces.len() + 1];
        for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match (token, piece) {
                (Token::Letter(one), Piece::Letter(other)) if one != other => {}
                (_, Piece::Letter(_)) => next[at + 1] = true,
                (Token::Letter('/'), Piece::Level) => {}
                (_, Piece::Level | Piece::Rest) => next[at] = true,
            }
        }
        reached = next;
    }
    through(&mut reached, pieces, false);
    reached[pieces.len()]
}

/// Go past pieces that can be nothing, or past any.
fn through(reached: &mut [bool], pieces: &[Piece], any: bool) {
    for (at, piece) in pieces.iter().enumerate() {
        let passes = any || !matches!(piece, Piece::Letter(_));
        reached[at + 1] |= reached[at] && passes;
    }
}
