//! weighted_sum: log\[step\] = sum of weight * x, then step += 1. Twin of `shaders/weighted_sum.wgsl`.
//!
//! Shapes: x `[n]`, weight `[steps, weight_stride]`, log `[steps]`, step `[1]`. Order of sums: as in the shader, 64
//! strided sums and a tree.

use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call, Out};
use crate::kernels::scalar::Scalar;

const LANES: usize = 64;

/// The CPU kernel.
pub fn weighted_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (x, weight) = (call.inputs[0].f(), call.inputs[1].f());
    let [n, stride] = call.args.sizes();
    let [Out::F(log), Out::U(step)] = &mut *call.outputs else { unreachable!("the row writes log and step") };
    let now = step[0] as usize;
    let weight = &weight[now * stride..now * stride + n];
    let mut sums = [T::zero(); LANES];
    for (i, (&x, &w)) in x[..n].iter().zip(weight).enumerate() {
        if w != T::zero() {
            sums[i % LANES] += w * x;
        }
    }
    let mut half = LANES / 2;
    while half > 0 {
        for j in 0..half {
            sums[j] += sums[j + half];
        }
        half /= 2;
    }
    log[now] = sums[0];
    step[0] += 1;
}

/// The error bound. Only the entry of this step changes; the step counter is exact.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [x, weight] = call.inputs else { unreachable!("the row has two inputs") };
    let [n, stride] = call.args.sizes();
    let now = call.before[1].value[0] as usize;
    let gamma = bound::gamma(n.div_ceil(LANES) + 7);
    let terms = (0..n).map(|i| {
        let (w, ew) = (weight.value[now * stride + i], weight.error[now * stride + i]);
        let (x, ex) = (x.value[i].abs(), x.error[i]);
        let carried = if w == 0.0 { 0.0 } else { (w.abs() + ew) * ex + x * ew };
        // A product and a partial sum, either of which may be flushed.
        let flushed = if w == 0.0 { 0.0 } else { 2.0 * bound::TINY };
        carried + gamma * ((w.abs() + ew) * (x + ex)).min(f64::MAX) * f64::from(w != 0.0) + flushed
    });
    let mut log = call.before[0].error.clone();
    log[now] = terms.sum::<f64>() + bound::TINY;
    vec![log, vec![0.0]]
}
