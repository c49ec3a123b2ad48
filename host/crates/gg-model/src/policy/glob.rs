//! Matching text against a pattern with wildcards.
//!
//! A pattern is cut at each `*` into pieces whose match is decided by where it begins, so that
//! taking the leftmost match of each piece is always right and nothing is tried twice. The cost
//! is at most the length of the pattern times the length of the text.

/// Pieces with a `*` between each two of them; there is at least one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Glob(Box<[Piece]>);

/// What stands between two `*`: literal runs with a whole level (`+`) between each two of them.
#[derive(Debug, Clone, PartialEq)]
struct Piece(Box<[Box<[u8]>]>);

/// Stands for one whole level of a requested filter; no UTF-8 text holds this byte.
pub(super) const ANY_LEVEL: u8 = 0xFF;

/// Stands for any text at the end of a requested filter; no UTF-8 text holds this byte.
pub(super) const ANY_TAIL: u8 = 0xFE;

/// A character of a pattern after escapes are resolved.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Token {
    Literal(u8),
    Star,
    Level,
}

impl Glob {
    pub(crate) fn new(tokens: &[Token]) -> Self {
        let pieces = tokens.split(|token| *token == Token::Star).map(|piece| {
            let runs = piece.split(|token| *token == Token::Level).map(|run| {
                let literal = |token: &Token| match token {
                    Token::Literal(byte) => Some(*byte),
                    Token::Star | Token::Level => None,
                };
                run.iter().filter_map(literal).collect()
            });
            Piece(runs.collect())
        });
        // Between two neighbouring stars is an empty piece, which would match anywhere: leave
        // out all but those at the ends.
        let pieces: Vec<Piece> = pieces.collect();
        let last = pieces.len().saturating_sub(1);
        let kept = |(index, piece): (usize, Piece)| {
            (index == 0 || index == last || !piece.is_empty()).then_some(piece)
        };
        Self(pieces.into_iter().enumerate().filter_map(kept).collect())
    }

    pub(crate) fn covers(&self, text: &[u8]) -> bool {
        match &*self.0 {
            [] => false,
            [only] => only.strip_prefix(text).is_some_and(<[u8]>::is_empty),
            [first, middle @ .., last] => {
                let Some(mut rest) = first.strip_prefix(text) else { return false };
                for piece in middle {
                    let Some(after) = piece.strip_leftmost(rest) else { return false };
                    rest = after;
                }
                last.is_suffix(rest)
            }
        }
    }
}

impl Piece {
    fn is_empty(&self) -> bool {
        self.0.iter().all(|run| run.is_empty()) && self.0.len() == 1
    }

    /// What follows the piece at the front of `text`. A level is followed by `/` or by the end of
    /// the pattern, so it takes all it can.
    fn strip_prefix<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let mut rest = text;
        for (index, run) in self.0.iter().enumerate() {
            if index > 0 {
                let end = rest.iter().position(|byte| matches!(*byte, b'/' | ANY_TAIL));
                rest = &rest[end.unwrap_or(rest.len())..];
            }
            rest = rest.strip_prefix(&**run)?;
        }
        Some(rest)
    }

    /// What follows the piece at the first place where it matches.
    fn strip_leftmost<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        (0..=text.len()).find_map(|start| self.strip_prefix(&text[start..]))
    }

    /// Whether the text ends with the piece. A level is preceded by `/` or by the pattern's
    /// beginning, so it takes all it can, seen from the end.
    fn is_suffix(&self, text: &[u8]) -> bool {
        let mut rest = text;
        for (index, run) in self.0.iter().rev().enumerate() {
            if index > 0 {
                let end = rest.iter().rposition(|byte| matches!(*byte, b'/' | ANY_TAIL));
                rest = &rest[..end.map_or(0, |end| end + 1)];
            }
            match rest.strip_suffix(&**run) {
                Some(before) => rest = before,
                None => return false,
            }
        }
        true
    }
}
