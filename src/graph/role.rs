//! What a tensor is for: how others find it, in a graph's outputs and in a plan's memory.

use std::fmt;

/// The role of a tensor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Role {
    /// A tensor of the network as its weight files name it: a parameter, or a statistic that is kept beside them.
    Tensor(String),
    /// The gradient of a parameter.
    Gradient(String),
    /// The gradient as clipping left it.
    Clipped(String),
    /// A parameter after the optimizer's step.
    Updated(String),
    /// An optimizer state of a parameter; slot 0 is the first moment or velocity.
    State {
        /// The parameter.
        param: String,
        /// Which of its states.
        slot: usize,
    },
    /// A data set.
    Data(String),
    /// A table with a row for each step.
    Table(String),
    /// The network's output.
    Prediction,
    /// The log of the steps' losses.
    Loss,
    /// Whether a number is not finite: 0 while all are.
    NonFinite,
    /// A value within a step.
    Scratch,
    /// What exists only to be bound.
    Unused,
    /// Any other output, by its name.
    Output(String),
}

/// The names that people and weight files use; `From<&str>` reads them back.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Tensor(name) | Role::Output(name) => f.write_str(name),
            Role::Gradient(param) => write!(f, "grad.{param}"),
            Role::Clipped(param) => write!(f, "clipped.{param}"),
            Role::Updated(param) => write!(f, "update.{param}"),
            Role::State { param, slot } => write!(f, "state.{slot}.{param}"),
            Role::Data(name) => write!(f, "data.{name}"),
            Role::Table(name) => write!(f, "table.{name}"),
            Role::Prediction => f.write_str("pred"),
            Role::Loss => f.write_str("loss"),
            Role::NonFinite => f.write_str("nonfinite"),
            Role::Scratch => f.write_str("scratch"),
            Role::Unused => f.write_str("unused"),
        }
    }
}

impl From<&str> for Role {
    fn from(name: &str) -> Role {
        let (head, rest) = name.split_once('.').unwrap_or((name, ""));
        match (head, rest) {
            ("pred", "") => Role::Prediction,
            ("loss", "") => Role::Loss,
            ("nonfinite", "") => Role::NonFinite,
            ("grad", param) if !param.starts_with("table.") => Role::Gradient(param.into()),
            ("clipped", param) => Role::Clipped(param.into()),
            ("update", param) => Role::Updated(param.into()),
            ("data", name) => Role::Data(name.into()),
            ("state", rest) => match rest.split_once('.').map(|(slot, param)| (slot.parse(), param)) {
                Some((Ok(slot), param)) => Role::State { param: param.into(), slot },
                _ => Role::Tensor(name.into()),
            },
            // Tables are printed with the name of their plan before them.
            (_, rest) => match rest.strip_prefix("table.").or(name.strip_prefix("table.")) {
                Some(table) => Role::Table(table.into()),
                None => Role::Tensor(name.into()),
            },
        }
    }
}

impl From<&String> for Role {
    fn from(name: &String) -> Role {
        Role::from(name.as_str())
    }
}

impl From<&Role> for Role {
    fn from(role: &Role) -> Role {
        role.clone()
    }
}
