//! Shape inference: one rule an operation. Errors name the layer and both shapes.

use super::{Dtype, Loss, Op, Optimizer, RANDOM_COLUMNS, TensorType, internal};
use crate::error::{Error, Result};

/// Types of the results of `op` on operands of the given types.
pub(super) fn infer(op: &Op, inputs: &[&TensorType], label: &str) -> Result<Vec<TensorType>> {
    let rule = Rule { op, inputs, label };
    let one = |ty: TensorType| Ok(vec![ty]);
    match op {
        Op::Data { .. } | Op::Table { .. } | Op::Param { .. } | Op::State { .. } | Op::Buffer { .. } => {
            Err(internal(format!("{label}: a source has no shape rule")))
        }
        Op::Gather => {
            let [data, index] = rule.operands()?;
            rule.require(index.dtype == Dtype::U32 && index.shape.len() == 1, "a vector of indices as second operand")?;
            let mut shape = data.shape.clone();
            shape[0] = index.shape[0];
            one(TensorType { shape, dtype: data.dtype })
        }
        Op::MatMul { trans_a, trans_b } => rule.matmul(*trans_a, *trans_b),
        Op::AddBias => {
            let [x, b] = rule.operands()?;
            let (_, cols) = rule.matrix(x)?;
            rule.require(b.shape == [cols], "a bias with one number for each column")?;
            one(x.clone())
        }
        Op::Dropout { p, .. } => {
            let [x, random] = rule.operands()?;
            rule.matrix(x)?;
            rule.require((0.0..1.0).contains(p), "a share of at least 0 and below 1")?;
            rule.require(*random == TensorType::u32(&[RANDOM_COLUMNS]), "a row of the table of random numbers")?;
            one(x.clone())
        }
        Op::LayerNorm { .. } | Op::LayerNormGrad { .. } | Op::BatchMoments { .. } => rule.normalise(),
        Op::BatchNorm { .. } | Op::BatchNormGrad { .. } => rule.normalise(),
        Op::Add => {
            let [a, b] = rule.operands()?;
            rule.require(a == b, "two operands of the same shape")?;
            one(a.clone())
        }
        Op::Activate(_) => {
            let [x] = rule.operands()?;
            rule.matrix(x)?;
            one(x.clone())
        }
        Op::ActivateGrad(_) => {
            let [dy, x] = rule.operands()?;
            rule.require(dy == x, "an upstream gradient of the shape of the activation's input")?;
            one(x.clone())
        }
        Op::ColumnSum => {
            let [x] = rule.operands()?;
            let (_, cols) = rule.matrix(x)?;
            one(TensorType::f32(&[cols]))
        }
        Op::Loss(loss) => {
            let [pred, target] = rule.operands()?;
            let rows = rule.loss(*loss, pred, target)?;
            one(TensorType::f32(&[rows]))
        }
        Op::LossGrad(loss) => {
            let [pred, target, upstream] = rule.operands()?;
            let rows = rule.loss(*loss, pred, target)?;
            rule.require(upstream.shape == [rows], "one upstream gradient for each sample")?;
            one(pred.clone())
        }
        Op::WeightedSum => {
            let [x, weight] = rule.operands()?;
            rule.require(x == weight && x.shape.len() == 1, "one weight for each element")?;
            one(TensorType::f32(&[1]))
        }
        Op::Concat | Op::SquareSum | Op::ClipNorm { .. } | Op::ClipValue { .. } => one(rule.gradients()?),
        Op::Update(optimizer) => rule.update(*optimizer),
    }
}

struct Rule<'a> {
    op: &'a Op,
    inputs: &'a [&'a TensorType],
    label: &'a str,
}

impl Rule<'_> {
    fn operands<const N: usize>(&self) -> Result<[&TensorType; N]> {
        <[&TensorType; N]>::try_from(self.inputs).map_err(|_| {
            internal(format!("{}: {} takes {N} operands, not {}", self.label, self.op.name(), self.inputs.len()))
        })
    }

    fn require(&self, good: bool, needed: &str) -> Result<()> {
        if good {
            return Ok(());
        }
        let found: Vec<String> = self.inputs.iter().map(|t| t.to_string()).collect();
        Err(Error::Shape(format!(
            "{}: {} needs {needed}; its operands are {}. Change the sizes of the layers so that they fit",
            self.label,
            self.op.name(),
            found.join(" and ")
        )))
    }

    fn matrix(&self, ty: &TensorType) -> Result<(usize, usize)> {
        self.require(ty.shape.len() == 2 && ty.dtype == Dtype::F32, "a matrix of numbers")?;
        Ok(ty.rows_cols())
    }

    fn matmul(&self, trans_a: bool, trans_b: bool) -> Result<Vec<TensorType>> {
        let [a, b] = self.operands()?;
        let ((a0, a1), (b0, b1)) = (self.matrix(a)?, self.matrix(b)?);
        let (m, ka) = if trans_a { (a1, a0) } else { (a0, a1) };
        let (kb, n) = if trans_b { (b1, b0) } else { (b0, b1) };
        self.require(ka == kb, "two matrices with equal inner sizes")?;
        Ok(vec![TensorType::f32(&[m, n])])
    }

    /// The normalising layers: vectors with one number for each column of a matrix.
    fn normalise(&self) -> Result<Vec<TensorType>> {
        let count = TensorType::u32(&[1]);
        // Operands before and after the matrix x, whether the moments are x's own, and the results.
        let (x, vectors) = match (self.op, self.inputs) {
            (Op::LayerNorm { .. }, [x, w, b]) => (x, vec![w, b]),
            (Op::LayerNormGrad { .. }, [dy, x, w]) if dy == x => (x, vec![w]),
            (Op::BatchMoments { .. }, [x, n, m, v]) if **n == count => (x, vec![m, v]),
            (Op::BatchNorm { .. }, [x, m, v, w, b]) => (x, vec![m, v, w, b]),
            (Op::BatchNormGrad { .. }, [dy, x, m, v, w]) if dy == x => (x, vec![m, v, w]),
            (Op::BatchNormGrad { .. }, [dy, x, m, v, w, n]) if dy == x && **n == count => (x, vec![m, v, w]),
            _ => return Err(internal(format!("{}: {} has wrong operands", self.label, self.op.name()))),
        };
        let (_, cols) = self.matrix(x)?;
        let vector = TensorType::f32(&[cols]);
        self.require(vectors.iter().all(|v| ***v == vector), "one number for each column in every vector")?;
        Ok(match self.op {
            Op::BatchMoments { .. } => vec![vector.clone(), vector, count],
            Op::LayerNorm { .. } | Op::BatchNorm { .. } => vec![(*x).clone()],
            _ => vec![(*x).clone(); 2],
        })
    }

    /// Checks prediction and target; gives the number of samples.
    fn loss(&self, loss: Loss, pred: &TensorType, target: &TensorType) -> Result<usize> {
        let (rows, _) = self.matrix(pred)?;
        if loss.takes_class() {
            self.require(*target == TensorType::u32(&[rows]), "one class index for each sample as target")?;
        } else {
            self.require(target == pred, "a target of the shape of the prediction")?;
        }
        Ok(rows)
    }

    fn concat(&self) -> Result<TensorType> {
        let [a, b] = self.operands()?;
        let vectors = |ty: &TensorType| ty.shape.len() == 1 && ty.dtype == Dtype::F32;
        self.require(vectors(a) && vectors(b), "two vectors of numbers")?;
        Ok(TensorType::f32(&[a.len() + b.len()]))
    }

    /// What stands between the gradients of a batch's parts and the optimizer.
    fn gradients(&self) -> Result<TensorType> {
        match self.op {
            Op::Concat => self.concat(),
            Op::SquareSum => self.operands().map(|[_]| TensorType::f32(&[1])),
            Op::ClipNorm { .. } => {
                let [x, total] = self.operands()?;
                self.require(total.shape == [1], "one number, the sum of all squares, as second operand")?;
                Ok(x.clone())
            }
            _ => self.operands().map(|[x]| x.clone()),
        }
    }

    fn update(&self, optimizer: Optimizer) -> Result<Vec<TensorType>> {
        let states = optimizer.state_slots();
        if self.inputs.len() != 3 + states {
            return Err(internal(format!("{}: {} takes {} states", self.label, self.op.name(), states)));
        }
        let param = self.inputs[0];
        self.require(self.inputs[1] == param, "a gradient of the shape of the parameter")?;
        self.require(self.inputs[3..].iter().all(|s| *s == param), "states of the shape of the parameter")?;
        Ok(vec![param.clone(); 1 + states])
    }
}
