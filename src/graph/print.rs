//! The stable text form of a graph: one line a node, `%value = op operands : type  ; label`.

use super::{Dtype, Graph, TensorType, Value};
use std::fmt;

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dtype = match self.dtype {
            Dtype::F32 => "f32",
            Dtype::U32 => "u32",
        };
        let sizes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        write!(f, "{dtype}[{}]", sizes.join(", "))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.result {
            0 => write!(f, "%{}", self.node),
            r => write!(f, "%{}.{r}", self.node),
        }
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, node) in self.nodes.iter().enumerate() {
            let inputs: Vec<String> = node.inputs.iter().map(Value::to_string).collect();
            let types: Vec<String> = node.results.iter().map(TensorType::to_string).collect();
            let operands = if inputs.is_empty() { String::new() } else { format!(" {}", inputs.join(", ")) };
            writeln!(f, "%{i} = {}{operands} : {}  ; {}", node.op.name(), types.join(", "), node.label)?;
        }
        for (name, value) in &self.outputs {
            writeln!(f, "output {name} = {value}")?;
        }
        Ok(())
    }
}
