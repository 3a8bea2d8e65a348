//! Gradient clipping.

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
