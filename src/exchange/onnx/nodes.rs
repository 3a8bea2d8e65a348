//! Nodes under writing: names are made up where the file needs one.

use super::array::{Array, Numbers};
use super::schema::{Attribute, Node};

/// Nodes and constants so far, and the version of the operators that they need, where it is a later one than the usual.
#[derive(Default)]
pub(super) struct Nodes {
    pub nodes: Vec<Node>,
    pub constants: Vec<Array>,
    pub opset: i64,
}

impl Nodes {
    /// Appends the operation `op` named `name` on `inputs`; gives the name of its result, which is `name` too.
    pub fn push(&mut self, op: &str, name: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        self.nodes.push(Node {
            name: name.to_owned(),
            op: op.to_owned(),
            domain: String::new(),
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            outputs: vec![name.to_owned()],
            attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        });
        name.to_owned()
    }

    /// A constant; gives its name.
    pub fn constant(&mut self, name: &str, dims: &[usize], data: Numbers) -> String {
        self.constants.push(Array { name: name.to_owned(), dims: dims.to_vec(), data });
        name.to_owned()
    }
}
