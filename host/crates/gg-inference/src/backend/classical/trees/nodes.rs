//! Trees as they are walked: an array of nodes for all, each the condition and where it leads.

use super::number::Number;
use crate::backend::RunError;
use crate::backend::classical::context::Context;

/// Set in what a node leads to where that is a leaf.
pub(in crate::backend::classical) const LEAF: u32 = 1 << 31;

/// Most nodes, most leaves and most features.
pub(in crate::backend::classical) const MOST: usize = 1 << 27;

/// How a feature is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::backend::classical) enum Mode {
    /// At most the threshold.
    AtMost,
    /// Less.
    Less,
    /// At least.
    AtLeast,
    /// Greater.
    Greater,
    /// Equal.
    Equal,
    /// Unequal.
    Unequal,
    /// Among the members of a set, whose number the threshold is.
    Member,
}

impl Mode {
    /// In the order of TreeEnsemble's numbers.
    pub(in crate::backend::classical) const ALL: [Self; 7] = [
        Self::AtMost,
        Self::Less,
        Self::AtLeast,
        Self::Greater,
        Self::Equal,
        Self::Unequal,
        Self::Member,
    ];
}

/// A condition on a feature: 16 bytes where the threshold is an `f32`.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend::classical) struct Node<T> {
    threshold: T,
    /// Which feature, how it is compared, and whether what is missing holds.
    rule: u32,
    /// Where to go: if it does not hold, and if it does.
    next: [u32; 2],
}

const FEATURE: u32 = (1 << 27) - 1;
const MISSING: u32 = 1 << 27;
const MODE: u32 = 28;

impl<T> Node<T> {
    /// `feature` is less than [`MOST`]; `yes` and `no` are nodes, or leaves with [`LEAF`].
    pub(in crate::backend::classical) fn new(
        mode: Mode,
        feature: u32,
        threshold: T,
        missing: bool,
        yes: u32,
        no: u32,
    ) -> Self {
        let missing = if missing { MISSING } else { 0 };
        let rule = (feature & FEATURE) | missing | ((mode as u32) << MODE);
        Self { threshold, rule, next: [no, yes] }
    }

    fn mode(&self) -> Mode {
        let number = (self.rule >> MODE) as usize;
        Mode::ALL.get(number).copied().unwrap_or(Mode::AtMost)
    }

    fn is_plain(&self) -> bool {
        self.rule & MISSING == 0
    }
}

/// A tree: where it begins, and how long its longest path is.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend::classical) struct Root {
    /// A node, or a leaf with [`LEAF`].
    pub(in crate::backend::classical) at: u32,
    /// Nodes of the longest path.
    pub(in crate::backend::classical) depth: usize,
}

/// All trees of a model.
#[derive(Clone, Debug)]
pub(in crate::backend::classical) struct Trees<T> {
    nodes: Vec<Node<T>>,
    roots: Vec<Root>,
    /// Features that a row must have.
    features: usize,
    /// Whether all nodes are "at most" and nothing is said of what is missing.
    plain: bool,
    /// For nodes that ask for a member.
    sets: Vec<Vec<T>>,
}

/// What is wrong with trees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::backend::classical) enum Crooked {
    /// A node leads to one that is not there.
    Astray,
    /// A node leads back to itself.
    Cycle,
}

impl<T: Number> Trees<T> {
    /// Trees with roots at these places (leaves with [`LEAF`]), and so many leaves.
    pub(in crate::backend::classical) fn new(
        nodes: Vec<Node<T>>,
        roots: &[u32],
        leaves: usize,
        sets: Vec<Vec<T>>,
    ) -> Result<Self, Crooked> {
        let depths = depths(&nodes, leaves)?;
        let root = |at: &u32| match at & LEAF {
            0 => {
                let depth = *depths.get(*at as usize).ok_or(Crooked::Astray)? as usize;
                Ok(Root { at: *at, depth })
            }
            _ if ((at & !LEAF) as usize) < leaves => Ok(Root { at: *at, depth: 0 }),
            _ => Err(Crooked::Astray),
        };
        let roots = roots.iter().map(root).collect::<Result<_, _>>()?;
        let features =
            nodes.iter().map(|node| (node.rule & FEATURE) as usize + 1).max().unwrap_or(0);
        let plain = nodes.iter().all(|node| node.mode() == Mode::AtMost && node.is_plain());
        Ok(Self { nodes, roots, features, plain, sets })
    }

    /// How many trees.
    pub(in crate::backend::classical) fn len(&self) -> usize {
        self.roots.len()
    }

    /// Features that a row must have.
    pub(in crate::backend::classical) fn features(&self) -> usize {
        self.features
    }

    /// Give the leaf of each tree for a row.
    pub(in crate::backend::classical) fn leaves<R: Number>(
        &self,
        row: &[R],
        context: &Context<'_>,
        mut leaf: impl FnMut(usize),
    ) -> Result<(), RunError> {
        for root in &self.roots {
            context.work(root.depth + 1)?;
            let at = match self.plain {
                true => self.walk(root.at, row, |node, x| x.at_most(node.threshold)),
                false => self.walk(root.at, row, |node, x| self.holds(node, x)),
            };
            leaf((at & !LEAF) as usize);
        }
        Ok(())
    }

    /// Down a tree to its leaf. What is not there is missing.
    #[inline(always)]
    fn walk<R: Number>(&self, mut at: u32, row: &[R], holds: impl Fn(&Node<T>, R) -> bool) -> u32 {
        while at & LEAF == 0 {
            let Some(node) = self.nodes.get(at as usize) else { return LEAF };
            let x = row.get((node.rule & FEATURE) as usize).copied().unwrap_or(R::MISSING);
            at = node.next[usize::from(holds(node, x))];
        }
        at
    }

    fn holds<R: Number>(&self, node: &Node<T>, x: R) -> bool {
        let threshold = node.threshold;
        let holds = match node.mode() {
            Mode::AtMost => x.at_most(threshold),
            Mode::Less => x.less(threshold),
            Mode::AtLeast => x.at_least(threshold),
            Mode::Greater => x.greater(threshold),
            Mode::Equal => x.equal(threshold),
            Mode::Unequal => !x.equal(threshold),
            Mode::Member => {
                let set = self.sets.get(threshold.wide() as usize);
                set.is_some_and(|set| set.iter().any(|member| x.equal(*member)))
            }
        };
        holds || (!node.is_plain() && x.is_missing())
    }
}

/// The longest path from each node, if all lead to leaves. Without recursion: a path may have as many
/// nodes as the model.
fn depths<T>(nodes: &[Node<T>], leaves: usize) -> Result<Vec<u32>, Crooked> {
    const UNSEEN: u32 = 0;
    const OPEN: u32 = u32::MAX;
    let mut depths = vec![UNSEEN; nodes.len()];
    let mut path: Vec<u32> = Vec::new();
    for start in 0..nodes.len().min(MOST) as u32 {
        path.push(start);
        while let Some(at) = path.last().copied() {
            let (Some(node), Some(depth)) = (nodes.get(at as usize), depths.get(at as usize))
            else {
                return Err(Crooked::Astray);
            };
            if !matches!(*depth, UNSEEN | OPEN) {
                path.pop();
                continue;
            }
            let mut deepest = 0;
            let mut below = None;
            for next in node.next {
                if next & LEAF != 0 {
                    if (next & !LEAF) as usize >= leaves {
                        return Err(Crooked::Astray);
                    }
                    continue;
                }
                match depths.get(next as usize).copied() {
                    None => return Err(Crooked::Astray),
                    Some(OPEN) => return Err(Crooked::Cycle),
                    Some(UNSEEN) if next == at => return Err(Crooked::Cycle),
                    Some(UNSEEN) => below = Some(next),
                    Some(known) => deepest = deepest.max(known),
                }
            }
            if let Some(place) = depths.get_mut(at as usize) {
                *place = if below.is_some() { OPEN } else { deepest + 1 };
            }
            match below {
                Some(next) => path.push(next),
                None => {
                    path.pop();
                }
            }
        }
    }
    Ok(depths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Until;

    fn node(feature: u32, threshold: f32, yes: u32, no: u32) -> Node<f32> {
        Node::new(Mode::AtMost, feature, threshold, false, yes, no)
    }

    #[test]
    fn a_node_is_of_sixteen_bytes() {
        assert_eq!(size_of::<Node<f32>>(), 16);
    }

    #[test]
    fn a_tree_is_walked_to_its_leaf() {
        let nodes = vec![node(0, 0.5, 1, LEAF | 2), node(1, 1.0, LEAF, LEAF | 1)];
        let trees = Trees::new(nodes, &[0, LEAF | 2], 3, vec![]).unwrap();
        assert_eq!(trees.features(), 2);
        let until = Until::default();
        let leaf = |row: &[f64]| {
            let mut leaves = Vec::new();
            trees.leaves(row, &Context::new(&until), |leaf| leaves.push(leaf)).unwrap();
            leaves
        };
        assert_eq!(leaf(&[0.5, 1.0]), [0, 2]);
        assert_eq!(leaf(&[0.5, 1.1]), [1, 2]);
        assert_eq!(leaf(&[f64::NAN, 0.0]), [2, 2]);
        assert_eq!(leaf(&[]), [2, 2]);
    }

    #[test]
    fn a_chain_of_many_nodes_is_no_recursion() {
        let count = 100_000;
        let nodes: Vec<_> = (1..=count)
            .map(|next| node(0, 0.0, if next == count { LEAF } else { next }, LEAF))
            .collect();
        let trees = Trees::new(nodes, &[0], 1, vec![]).unwrap();
        assert_eq!(trees.roots[0].depth, count as usize);
    }

    #[test]
    fn trees_that_lead_astray_are_refused() {
        let crooked = |nodes: Vec<Node<f32>>, roots: &[u32]| {
            Trees::new(nodes, roots, 1, vec![]).map(|_| ()).unwrap_err()
        };
        assert_eq!(crooked(vec![node(0, 0.0, 0, LEAF)], &[0]), Crooked::Cycle);
        assert_eq!(
            crooked(vec![node(0, 0.0, 1, LEAF), node(0, 0.0, LEAF, 0)], &[0]),
            Crooked::Cycle
        );
        assert_eq!(crooked(vec![node(0, 0.0, 1, LEAF)], &[0]), Crooked::Astray);
        assert_eq!(crooked(vec![node(0, 0.0, LEAF | 1, LEAF)], &[0]), Crooked::Astray);
        assert_eq!(crooked(vec![node(0, 0.0, LEAF, LEAF)], &[1]), Crooked::Astray);
        assert_eq!(crooked(vec![], &[LEAF | 1]), Crooked::Astray);
    }
}
