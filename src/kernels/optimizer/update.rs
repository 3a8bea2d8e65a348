//! Loops and bounds shared by the optimizer steps, and their table.

use crate::kernels::cpu::carried::Carried;
use crate::kernels::cpu::elementwise::each_part;
use crate::kernels::cpu::vector::{self, Loop};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// Columns of the table `hyper`, those of [`Hyper`].
pub const HYPER_COLUMNS: usize = 6;

/// The row of the table `hyper` that belongs to the current step, or one bound for each of its numbers. A rule reads some of
/// them; the others may hold anything.
#[derive(Debug, Clone, Copy)]
pub struct Hyper<T> {
    /// Learning rate.
    pub lr: T,
    /// lr / (1 - beta1^t), or what an optimizer has in its place.
    pub step_size: T,
    /// 1 / sqrt(1 - beta2^t).
    pub inv_sqrt_bias2: T,
    /// What NAdam multiplies the first moment by.
    pub moment_size: T,
    /// Momentum, or beta1.
    pub momentum: T,
    /// 1 - momentum, taken in f64: in f32 it would lose the digits that rounding the momentum cost.
    pub one_minus_momentum: T,
}

impl<T> Hyper<T> {
    fn at(at: impl Fn(usize) -> T) -> Self {
        let [lr, step_size, inv_sqrt_bias2, moment_size, momentum, one_minus_momentum] = std::array::from_fn(at);
        Hyper { lr, step_size, inv_sqrt_bias2, moment_size, momentum, one_minus_momentum }
    }
}

impl<T: Scalar> Hyper<T> {
    /// From the table of a call. The plain optimizers read lr only, and their table may hold nothing else.
    pub fn of(call: &Call<'_, '_, T>) -> Self {
        let row = call.inputs[0].u()[0] as usize * call.args.size(1);
        Hyper::at(|k| call.inputs[1].f().get(row + k).copied().unwrap_or_default())
    }
}

impl Hyper<Carried> {
    /// From the table of a bound; the host rounds the table to f32 once.
    pub fn of_bound(call: &BoundCall<'_>) -> Self {
        let row = call.inputs[0].value[0] as usize * call.args.size(1);
        Hyper::at(|k| match row + k < call.inputs[1].value.len() {
            true => Carried::input(&call.inputs[1], row + k).rounded_again(),
            false => Carried::new(0.0, 0.0),
        })
    }
}

/// `[param, states..] = rule(grad, [param, states..])` for every element: input 2, and all outputs.
pub fn each<T: Scalar, const N: usize>(call: &mut Call<'_, '_, T>, rule: impl Fn(T, [T; N]) -> [T; N] + Sync) {
    let n = call.args.size(0);
    let grad = &call.inputs[2].f()[..n];
    let outputs: [&mut [T]; N] = call.outputs().map(|o: &mut [T]| &mut o[..n]);
    each_part(outputs, [grad], 1, |_, outputs, [grad]| vector::widest(Part { grad, outputs, rule: &rule }));
}

/// What one thread updates.
struct Part<'a, T, F, const N: usize> {
    grad: &'a [T],
    outputs: [&'a mut [T]; N],
    rule: &'a F,
}

impl<T: Scalar, F: Fn(T, [T; N]) -> [T; N], const N: usize> Loop for Part<'_, T, F, N> {
    #[inline(always)]
    fn call(self) {
        // Equal lengths in sight of the compiler: no bounds checks in the loop.
        let mut outputs = self.outputs.map(|o| &mut o[..self.grad.len()]);
        for (i, &g) in self.grad.iter().enumerate() {
            let after = (self.rule)(g, std::array::from_fn(|k| outputs[k][i]));
            for (output, value) in outputs.iter_mut().zip(after) {
                output[i] = value;
            }
        }
    }
}

/// Bounds every element: `rule(grad, [param, states..])` as in [`each`], over values with errors. Overflow of f32 is not
/// covered.
pub fn bound_each<const N: usize>(
    call: &BoundCall<'_>,
    rule: impl Fn(Carried, [Carried; N]) -> [Carried; N],
) -> Vec<Vec<f64>> {
    let n = call.args.size(0);
    let mut errors = vec![Vec::with_capacity(n); N];
    for i in 0..n {
        let after =
            rule(Carried::input(&call.inputs[2], i), std::array::from_fn(|k| Carried::input(&call.before[k], i)));
        for (errors, after) in errors.iter_mut().zip(after) {
            errors.push(after.error);
        }
    }
    errors
}
