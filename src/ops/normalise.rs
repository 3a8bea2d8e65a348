//! Normalising layers: over a row (layer norm) and over the batch (batch norm).

use super::{ColumnSum, Types, matrix, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Attributes, Backward, Gradients, Launches, Misfit, Operation, Place, TensorType, Value};
use crate::kernels::{Kernel, Param, row_lanes};
use crate::target::Constants;

/// `(x [m, n], weight [n], bias [n]) -> [m, n]`: each group of a row less its mean, over its standard deviation, times weight, plus
/// bias; of x alone, without weight and bias.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm {
    /// Added to the variance.
    pub eps: f64,
    /// Groups of neighbouring columns, as many in each; 1 for the whole row.
    pub groups: usize,
}

/// `(dy, x, weight) -> (dx, dy * xhat)`, the second result's column sums being the gradient of weight; `(dy, x) -> dx` without weight.
#[derive(Debug)]
pub struct LayerNormGrad {
    /// The layer.
    pub of: LayerNorm,
}

/// `(x [m, n], count [1], running_mean [n], running_var [n]) -> (mean [n], variance [n], count [1], running_mean, running_var)`: of
/// each column over the first count rows; moves the running statistics in place.
#[derive(Debug)]
pub struct BatchMoments {
    /// Weight of this batch in the running statistics.
    pub momentum: f64,
}

/// `(x [m, n], mean [n], variance [n], weight [n], bias [n]) -> [m, n]`: as [`LayerNorm`] over columns, by given moments. With the
/// count of [`BatchMoments`] as sixth operand the moments are x's own, and the gradient goes through them.
#[derive(Debug)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f64,
}

/// `(dy, x, mean, variance, weight) -> (dx, dy * xhat)` where the moments are constants; with the count of
/// [`BatchMoments`] as sixth operand, where they are x's.
#[derive(Debug)]
pub struct BatchNormGrad {
    /// As the layer's.
    pub eps: f64,
}

/// Checks a matrix and vectors with one number for each of its columns.
fn vectors(x: &TensorType, vectors: &[&TensorType]) -> Result<TensorType, Misfit> {
    let (_, cols) = matrix(x)?;
    let vector = TensorType::f32(&[cols]);
    require(vectors.iter().all(|v| **v == vector), "one number for each column in every vector")?;
    Ok(vector)
}

/// Five operands, behind which the count of the batch may stand.
fn moments<'a>(types: &[&'a TensorType]) -> Result<[&'a TensorType; 5], Misfit> {
    let counted = types.len() == 6 && is_count(types[5]);
    match types.first_chunk() {
        Some(five) if types.len() == 5 || counted => Ok(*five),
        _ => Err(Misfit::Count("5 or 6".into())),
    }
}

fn is_count(ty: &TensorType) -> bool {
    ty.is_like(&TensorType::u32(&[1]))
}

/// The gradients of x, weight and bias: one operation for the first two, of which the second gives a column sum.
fn gradients(at: &mut Backward<'_, '_>, operation: impl Operation, operands: &[Value]) -> Result<[Option<Value>; 3]> {
    let dx = at.push(operation, operands, ".grad")?;
    let weight = at.push(ColumnSum, &[Value { result: 1, ..dx }], ".weight.grad")?;
    let bias = at.push(ColumnSum, &[operands[0]], ".bias.grad")?;
    Ok([Some(dx), Some(weight), Some(bias)])
}

/// Rows, columns and a number.
fn params(x: &TensorType, number: f64) -> Vec<Param> {
    let (rows, cols) = x.rows_cols();
    sizes(&[rows, cols]).into_iter().chain([Param::F(number)]).collect()
}

fn lanes(x: &TensorType) -> Constants {
    vec![("LANES", row_lanes(x.rows_cols().1) as f64)]
}

impl LayerNorm {
    fn settings(self) -> Attributes {
        vec![("eps", self.eps), ("groups", self.groups as f64)]
    }

    /// Checks x, and weight and bias where there are any.
    fn check(self, x: &TensorType, of_columns: &[&TensorType]) -> Result<(), Misfit> {
        let (_, cols) = matrix(x)?;
        require(self.groups > 0 && cols.is_multiple_of(self.groups), "as many columns in each group")?;
        vectors(x, of_columns).map(|_| ())
    }

    /// Adds the launch of a kernel over the groups of x's rows; `affine` where weights are bound.
    fn launch(self, out: &mut Launches<'_>, kernel: Kernel, affine: bool, places: Vec<Place>) {
        let (rows, cols) = out.operands[0].rows_cols();
        let by_group = TensorType::f32(&[rows * self.groups, cols / self.groups]);
        let params = params(&by_group, self.eps).into_iter().chain(sizes(&[self.groups, 0])).collect();
        let constants = [("AFFINE", f64::from(affine))].into_iter().chain(lanes(&by_group)).collect();
        out.push(kernel, params, constants, places);
    }
}

impl Operation for LayerNorm {
    fn name(&self) -> String {
        "layer_norm".into()
    }

    fn attributes(&self) -> Attributes {
        self.settings()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x, of_columns @ ..] = types else { return Err(Misfit::Count("1 or 3".into())) };
        require([0, 2].contains(&of_columns.len()), "weight and bias, or neither")?;
        self.check(x, of_columns)?;
        Ok(vec![(*x).clone()])
    }

    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let (dy, x) = (at.dy()?, at.operand(0));
        let operation = LayerNormGrad { of: *self };
        match at.node().inputs.get(1).copied() {
            Some(weight) => Ok(gradients(at, operation, &[dy, x, weight])?.to_vec()),
            None => Ok(vec![Some(at.push(operation, &[dy, x], ".grad")?)]),
        }
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let affine = out.operands.len() == 3;
        let none = [Place::Operand(0), Place::Unused, Place::Unused, Place::Result(0)];
        let places = if affine { out.in_order() } else { none.to_vec() };
        self.launch(out, Kernel::layer_norm, affine, places);
        Ok(())
    }
}

impl Operation for LayerNormGrad {
    fn name(&self) -> String {
        "layer_norm_grad".into()
    }

    fn attributes(&self) -> Attributes {
        self.of.settings()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [dy, x, weight @ ..] = types else { return Err(Misfit::Count("2 or 3".into())) };
        require(dy == x && weight.len() < 2, "an upstream gradient of the shape of the layer's input")?;
        self.of.check(x, weight)?;
        Ok(vec![(*x).clone(); 1 + weight.len()])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let affine = out.operands.len() == 3;
        let mut places = out.in_order();
        if !affine {
            let (rows, cols) = out.operands[0].rows_cols();
            places.insert(2, Place::Unused);
            places.push(out.unused(&[rows, cols]));
        }
        self.of.launch(out, Kernel::layer_norm_grad, affine, places);
        Ok(())
    }
}

impl Operation for BatchMoments {
    fn name(&self) -> String {
        "batch_moments".into()
    }

    fn attributes(&self) -> Attributes {
        vec![("momentum", self.momentum)]
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x, count, mean, variance] = super::operands(types)?;
        require(is_count(count), "a count of samples as second operand")?;
        let vector = vectors(x, &[mean, variance])?;
        Ok(vec![vector.clone(), vector.clone(), TensorType::u32(&[1]), vector.clone(), vector])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        // 1 - momentum is taken in f64, as the optimizers' 1 - beta.
        let mut params = params(&out.operands[0], self.momentum);
        params.push(Param::F(1.0 - self.momentum));
        let mut places = vec![Place::Step, Place::Operand(1), Place::Operand(0)];
        places.extend((0..5).map(Place::Result));
        out.push(Kernel::batch_moments, params, vec![], places);
        Ok(())
    }

    fn in_place(&self) -> Vec<(usize, usize)> {
        vec![(3, 2), (4, 3)]
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 1
    }
}

impl Operation for BatchNorm {
    fn name(&self) -> String {
        "batch_norm".into()
    }

    fn attributes(&self) -> Attributes {
        vec![("eps", self.eps)]
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x, mean, variance, weight, bias] = moments(types)?;
        vectors(x, &[mean, variance, weight, bias])?;
        Ok(vec![x.clone()])
    }

    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let dy = at.dy()?;
        let inputs = at.node().inputs.clone();
        let operands = [&[dy, inputs[0], inputs[1], inputs[2], inputs[3]], &inputs[5..]].concat();
        let [dx, weight, bias] = gradients(at, BatchNormGrad { eps: self.eps }, &operands)?;
        Ok(vec![dx, None, None, weight, bias, None][..inputs.len()].to_vec())
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        // The count says how many rows the moments are of, which the gradient alone asks for.
        let places = (0..5).map(Place::Operand).chain([Place::Result(0)]).collect();
        out.push(Kernel::batch_norm, params(&out.operands[0], self.eps), vec![], places);
        Ok(())
    }
}

impl Operation for BatchNormGrad {
    fn name(&self) -> String {
        "batch_norm_grad".into()
    }

    fn attributes(&self) -> Attributes {
        vec![("eps", self.eps)]
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [dy, x, mean, variance, weight] = moments(types)?;
        require(dy == x, "an upstream gradient of the shape of the layer's input")?;
        vectors(x, &[mean, variance, weight])?;
        Ok(vec![x.clone(); 2])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let batch = out.operands.len() == 6;
        // The binding must exist; without the batch's moments the kernel does not touch it.
        let counted = if batch { Place::Operand(5) } else { Place::Step };
        let mut places: Vec<Place> = (0..4).map(Place::Operand).collect();
        places.extend([counted, Place::Operand(4), Place::Result(0), Place::Result(1)]);
        let constants = vec![("BATCH", f64::from(batch))];
        out.push(Kernel::batch_norm_grad, params(&out.operands[0], self.eps), constants, places);
        Ok(())
    }
}
