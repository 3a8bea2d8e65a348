//! The operations of this crate, a family a file. Each implements [`Operation`](crate::graph::Operation) as a user's own does.

mod activation;
mod clip;
mod dense;
mod dropout;
mod elementwise;
mod gather;
mod head;
mod loss;
mod matmul;
mod normalise;
mod product;
mod reduce;
mod update;

pub use activation::{Activate, ActivateGrad};
pub use clip::{ClipNorm, ClipValue, SquareSum};
pub use dense::{Dense, InputGrad, WeightGrad};
pub use dropout::Dropout;
pub use elementwise::{Add, AddBias, Concat};
pub use gather::Gather;
pub use head::ClassifierHead;
pub use loss::{LossGrad, LossPair, LossValue};
pub use matmul::MatMul;
pub use normalise::{BatchMoments, BatchNorm, BatchNormGrad, LayerNorm, LayerNormGrad};
pub use reduce::{ColumnSum, WeightedSum};
pub use update::Update;

use crate::graph::{Dtype, Misfit, TensorType};

type Types = std::result::Result<Vec<TensorType>, Misfit>;

/// As many operands as an operation takes.
fn operands<'a, const N: usize>(types: &[&'a TensorType]) -> Result<[&'a TensorType; N], Misfit> {
    <[&TensorType; N]>::try_from(types).map_err(|_| Misfit::Count(N.to_string()))
}

/// Refuses operands that are not what is `needed`.
fn require(good: bool, needed: &'static str) -> Result<(), Misfit> {
    if good { Ok(()) } else { Err(Misfit::Needs(needed)) }
}

/// Rows and columns of a matrix of numbers.
fn matrix(ty: &TensorType) -> Result<(usize, usize), Misfit> {
    require(ty.shape.len() == 2 && ty.dtype == Dtype::F32, "a matrix of numbers")?;
    Ok(ty.rows_cols())
}
