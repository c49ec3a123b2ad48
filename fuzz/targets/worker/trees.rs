//! The tables of trees: most nodes lead on to such as come later, so that many can be walked.

use crate::values;
use gg_inference::onnx::proto::{AttributeProto, TensorProto};
use libfuzzer_sys::arbitrary::{Result, Unstructured};

const MODES: [&str; 7] =
    ["LEAF", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];

const TRANSFORMS: [&str; 5] = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];

const AGGREGATES: [&str; 4] = ["SUM", "AVERAGE", "MIN", "MAX"];

/// Which operator they are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trees {
    Classifier,
    Regressor,
    Ensemble,
}

/// All attributes of an operator.
pub fn tables(from: &mut Unstructured<'_>, kind: Trees) -> Result<Vec<AttributeProto>> {
    let mut tables = Tables { wide: values::rarely(from, 3)?, from, made: Vec::new() };
    let nodes = tables.from.int_in_range(1..=8)?;
    tables.ints("nodes_featureids", nodes, |from, _| from.int_in_range(0..=2))?;
    tables.int("n_targets", 1, 3)?;
    match kind {
        Trees::Ensemble => tables.flat(nodes)?,
        Trees::Classifier => tables.pairs(nodes, "class")?,
        Trees::Regressor => tables.pairs(nodes, "target")?,
    }
    Ok(tables.made)
}

struct Tables<'a, 'b> {
    from: &'a mut Unstructured<'b>,
    /// Whether numbers have 64 bits.
    wide: bool,
    made: Vec<AttributeProto>,
}

impl Tables<'_, '_> {
    /// Those of TreeEnsemble: leaves are apart from nodes.
    fn flat(&mut self, nodes: i64) -> Result<()> {
        let leaves = self.from.int_in_range(1..=6)?;
        for (to, is_leaf) in
            [("nodes_truenodeids", "nodes_trueleafs"), ("nodes_falsenodeids", "nodes_falseleafs")]
        {
            let mut ends = Vec::new();
            for number in 0..nodes {
                ends.push(number + 1 >= nodes || self.from.ratio(1, 2)?);
            }
            let ends = &ends;
            self.ints(to, nodes, |from, number| match ends.get(number as usize) {
                Some(false) => from.int_in_range(number + 1..=nodes - 1),
                _ => from.int_in_range(0..=leaves - 1),
            })?;
            self.ints(is_leaf, nodes, |_, number| {
                Ok(ends.get(number as usize).is_some_and(|end| *end).into())
            })?;
        }
        self.ints("leaf_targetids", leaves, |from, _| from.int_in_range(0..=2))?;
        let roots = self.from.int_in_range(1..=3)?;
        self.ints("tree_roots", roots, |from, _| from.int_in_range(0..=nodes - 1))?;
        self.tensor("nodes_splits", nodes)?;
        self.tensor("leaf_weights", leaves)?;
        if self.from.ratio(1, 2)? {
            self.tensor("membership_values", 6)?;
        }
        let mut modes = Vec::new();
        for _ in 0..self.length(nodes)? {
            modes.push(self.from.int_in_range(0_u8..=6)?);
        }
        let dims = vec![modes.len() as i64];
        let raw_data = Some(modes.into());
        self.add("nodes_modes").t =
            Some(TensorProto { dims, data_type: 2, raw_data, ..TensorProto::default() });
        self.int("aggregate_function", 0, 4)?;
        self.int("post_transform", 0, 5)
    }

    /// Those of the older operators: leaves are nodes, which a pair of numbers names.
    fn pairs(&mut self, nodes: i64, of: &str) -> Result<()> {
        for name in ["nodes_truenodeids", "nodes_falsenodeids"] {
            self.ints(name, nodes, |from, number| {
                from.int_in_range((number + 1).min(nodes - 1)..=nodes - 1)
            })?;
        }
        // A second tree begins with the fifth node, and numbers its own.
        let two = values::rarely(self.from, 3)?;
        self.ints("nodes_treeids", nodes, |_, number| Ok((two && number > 3).into()))?;
        self.ints("nodes_nodeids", nodes, |_, number| Ok(number))?;
        let mut modes = Vec::new();
        for _ in 0..self.length(nodes)? {
            modes.push(self.from.choose(&MODES)?.as_bytes().into());
        }
        if let Some(last) = modes.last_mut() {
            *last = "LEAF".into();
        }
        self.add("nodes_modes").strings = modes;
        self.numbers("nodes_values", nodes)?;
        let weights = self.from.int_in_range(0..=6)?;
        self.ints(&format!("{of}_ids"), weights, |from, _| from.int_in_range(0..=2))?;
        self.ints(&format!("{of}_nodeids"), weights, |from, _| from.int_in_range(0..=nodes - 1))?;
        self.ints(&format!("{of}_treeids"), weights, |_, _| Ok(0))?;
        self.numbers(&format!("{of}_weights"), weights)?;
        if values::rarely(self.from, 3)? {
            self.numbers("base_values", 3)?;
        }
        match self.from.int_in_range(0..=2)? {
            0 => self.ints("classlabels_int64s", 3, |_, number| Ok(number))?,
            1 => {
                self.add("classlabels_strings").strings = vec!["a".into(), "b".into(), "".into()];
            }
            _ => {}
        }
        for (name, words) in
            [("post_transform", &TRANSFORMS[..]), ("aggregate_function", &AGGREGATES)]
        {
            if self.from.ratio(1, 2)? {
                let word = self.from.choose(words)?;
                self.add(name).s = Some(word.as_bytes().into());
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str) -> &mut AttributeProto {
        self.made.push(AttributeProto { name: name.to_owned(), ..AttributeProto::default() });
        self.made.last_mut().unwrap()
    }

    /// A length, which is one too many or too few now and then.
    fn length(&mut self, length: i64) -> Result<i64> {
        Ok(match values::rarely(self.from, 40)? {
            true => length + self.from.int_in_range(-1..=1)?,
            false => length,
        })
    }

    fn int(&mut self, name: &str, least: i64, most: i64) -> Result<()> {
        let int = self.from.int_in_range(least..=most)?;
        self.add(name).i = Some(int);
        Ok(())
    }

    fn ints(
        &mut self,
        name: &str,
        length: i64,
        make: impl Fn(&mut Unstructured<'_>, i64) -> Result<i64>,
    ) -> Result<()> {
        let mut ints = Vec::new();
        for number in 0..self.length(length)? {
            ints.push(match values::rarely(self.from, 60)? {
                true => values::int(self.from)?,
                false => make(self.from, number)?,
            });
        }
        self.add(name).ints = ints;
        Ok(())
    }

    /// Numbers of 32 bits in an attribute, or of 64 in a tensor.
    fn numbers(&mut self, name: &str, length: i64) -> Result<()> {
        if self.wide {
            return self.tensor(&format!("{name}_as_tensor"), length);
        }
        let mut floats = Vec::new();
        for _ in 0..self.length(length)? {
            floats.push(values::number(self.from)? as f32);
        }
        self.add(name).floats = floats;
        Ok(())
    }

    fn tensor(&mut self, name: &str, length: i64) -> Result<()> {
        let length = u32::try_from(self.length(length)?).unwrap_or_default();
        let kind = if self.wide { 11 } else { 1 };
        let tensor = values::constant(self.from, kind, vec![length])?;
        self.add(name).t = Some(tensor);
        Ok(())
    }
}
