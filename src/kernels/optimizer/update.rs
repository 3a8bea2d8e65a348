//! Loops and bounds shared by the optimizer steps, and their table.

use crate::kernels::cpu::carried::Carried;
use crate::kernels::cpu::vector::{self, Loop};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// Up to this many elements a thread hand-off costs more than it saves.
const PARALLEL_ABOVE: usize = 16 * 1024;
/// Above it, parts of this many: threads come to a pass at different times, and small parts let the first ones go on
/// (mnist, 101,770 parameters: 16 K 1,880 steps/s, 8 K 2,070, 4 K 2,120; Adam 1,120, 1,330, 1,700).
const PART: usize = 4 * 1024;

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
        Hyper {
            lr: at(0),
            step_size: at(1),
            inv_sqrt_bias2: at(2),
            moment_size: at(3),
            momentum: at(4),
            one_minus_momentum: at(5),
        }
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
    let part = if n > PARALLEL_ABOVE { PART } else { n };
    halves(grad, outputs, part, &rule);
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

/// Halves the arrays until they are parts of at most `part` elements.
fn halves<T: Scalar, const N: usize>(
    grad: &[T],
    outputs: [&mut [T]; N],
    part: usize,
    rule: &(impl Fn(T, [T; N]) -> [T; N] + Sync),
) {
    if grad.len() <= part {
        return vector::widest(Part { grad, outputs, rule });
    }
    let middle = grad.len() / 2;
    let (grad_left, grad_right) = grad.split_at(middle);
    let mut right: [&mut [T]; N] = std::array::from_fn(|_| <&mut [T]>::default());
    let mut k = 0;
    let left = outputs.map(|o| {
        let (l, r) = o.split_at_mut(middle);
        right[k] = r;
        k += 1;
        l
    });
    rayon::join(|| halves(grad_left, left, part, rule), || halves(grad_right, right, part, rule));
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
