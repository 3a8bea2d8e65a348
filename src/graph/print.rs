//! The stable text form of a graph: one line a node, `%value = op operands : type  ; label`.

use super::{Dtype, Graph, Op, TensorType, Value};
use std::fmt;

impl Op {
    /// Name of the operation with its choices, as the text form prints it.
    pub fn name(&self) -> String {
        match self {
            Op::Data { name } => format!("data \"{name}\""),
            Op::Table { name } => format!("table \"{name}\""),
            Op::Param { name, .. } => format!("param \"{name}\""),
            Op::State { param, slot } => format!("state \"{param}\" {slot}"),
            Op::Gather => "gather".into(),
            Op::MatMul { trans_a, trans_b } => {
                let letter = |t: bool| if t { 't' } else { 'n' };
                format!("matmul.{}{}", letter(*trans_a), letter(*trans_b))
            }
            Op::AddBias => "add_bias".into(),
            Op::Dropout { p, layer } => format!("dropout {p} {layer}"),
            Op::Buffer { name } => format!("buffer \"{name}\""),
            Op::LayerNorm { .. } => "layer_norm".into(),
            Op::LayerNormGrad { .. } => "layer_norm_grad".into(),
            Op::BatchMoments { .. } => "batch_moments".into(),
            Op::BatchNorm { .. } => "batch_norm".into(),
            Op::BatchNormGrad { .. } => "batch_norm_grad".into(),
            Op::Add => "add".into(),
            Op::Concat => "concat".into(),
            Op::Activate(a) => a.name().into(),
            Op::ActivateGrad(a) => format!("{}_grad", a.name()),
            Op::ColumnSum => "column_sum".into(),
            Op::Loss(l) => l.name().into(),
            Op::LossGrad(l) => format!("{}_grad", l.name()),
            Op::WeightedSum => "weighted_sum".into(),
            Op::SquareSum => "square_sum".into(),
            Op::ClipNorm { .. } => "clip_norm".into(),
            Op::ClipValue { .. } => "clip_value".into(),
            Op::Update(o) => format!("{}_step", o.name()),
        }
    }
}

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
