//! Gradient clipping as nodes of the graph, between the gradients and the optimizer.

use super::{Graph, Op, Value};
use crate::error::Result;

/// How gradients are kept from being too large. Formulas are those of `torch.nn.utils`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clip {
    /// `clip_grad_norm_`: all gradients times `min(1, max / (norm + 1e-6))`, with the norm of all of them together.
    Norm(f64),
    /// `clip_grad_value_`: every number between `-limit` and `limit`.
    Value(f64),
}

impl Clip {
    /// Every name that a spec may use.
    pub const NAMES: &[&str] = &["norm", "value"];
}

/// Appends the clipping of the gradients `(parameter, gradient)` and gives the clipped ones, which are outputs
/// `clipped.<parameter>`; the gradients stay outputs as they are.
///
/// # Errors
/// [`crate::Error::Internal`] for a graph that is broken.
pub fn append(graph: &mut Graph, clip: Clip, gradients: &[(String, Value)]) -> Result<Vec<(String, Value)>> {
    let mut total: Option<Value> = None;
    if let Clip::Norm(_) = clip {
        for (name, gradient) in gradients {
            let squares = graph.push(Op::SquareSum, &[*gradient], &format!("{name}.grad.squares"))?;
            total = Some(match total {
                None => squares,
                Some(before) => graph.push(Op::Add, &[before, squares], "norm of gradients")?,
            });
        }
    }
    let mut clipped = Vec::with_capacity(gradients.len());
    for (name, gradient) in gradients {
        let label = format!("{name}.clip");
        let value = match (clip, total) {
            (Clip::Norm(max), Some(total)) => graph.push(Op::ClipNorm { max }, &[*gradient, total], &label)?,
            (Clip::Norm(max) | Clip::Value(max), _) => {
                graph.push(Op::ClipValue { limit: max }, &[*gradient], &label)?
            }
        };
        graph.output(&format!("clipped.{name}"), value);
        clipped.push((name.clone(), value));
    }
    Ok(clipped)
}
