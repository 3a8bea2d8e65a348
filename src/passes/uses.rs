//! Who uses a value.

use crate::graph::{Graph, Value};
use std::collections::HashMap;

/// The users of every value of a graph, among the nodes that its outputs need.
pub struct Uses {
    users: HashMap<Value, Vec<usize>>,
    outputs: Vec<Value>,
    /// Which nodes the outputs need.
    pub live: Vec<bool>,
}

impl Uses {
    /// The uses in `graph` as it is.
    pub fn of(graph: &Graph) -> Uses {
        let live = graph.live();
        let mut users: HashMap<Value, Vec<usize>> = HashMap::new();
        for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| live[*i]) {
            for input in &node.inputs {
                users.entry(*input).or_default().push(i);
            }
        }
        Uses { users, outputs: graph.outputs.iter().map(|(_, v)| *v).collect(), live }
    }

    /// The nodes that use a value, once for each operand.
    pub fn of_value(&self, value: Value) -> &[usize] {
        self.users.get(&value).map_or(&[], Vec::as_slice)
    }

    /// Whether a value is an output of the graph.
    pub fn is_output(&self, value: Value) -> bool {
        self.outputs.contains(&value)
    }

    /// Number of users, an output counting as one.
    pub fn count(&self, value: Value) -> usize {
        self.of_value(value).len() + usize::from(self.is_output(value))
    }

    /// The live nodes, in order.
    pub fn nodes(&self) -> Vec<usize> {
        (0..self.live.len()).filter(|n| self.live[*n]).collect()
    }
}
