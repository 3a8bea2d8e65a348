//! Loops shared by the element-wise CPU kernels: vectorised, and split over threads where there is enough to do.

use super::vector::{self, Function};
use crate::kernels::definition::Call;
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Below this many elements a thread hand-off costs more than it saves.
pub const PARALLEL_FROM: usize = 16 * 1024;
/// Elements that one thread takes at a time.
pub const CHUNK: usize = 4 * 1024;

/// `y[i] = f(x[i])`: input 0 to output 0.
pub fn map<T: Scalar>(call: &mut Call<'_, '_, T>, f: impl Function<T>) {
    let x = call.inputs[0].f();
    let [y] = call.outputs();
    if y.len() < PARALLEL_FROM {
        vector::map(y, x, f);
    } else {
        y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| vector::map(y, x, f));
    }
}

/// `dx[i] = dy[i] * f(x[i])`: inputs 0 and 1 to output 0.
pub fn product<T: Scalar>(call: &mut Call<'_, '_, T>, f: impl Function<T>) {
    let (dy, x) = (call.inputs[0].f(), call.inputs[1].f());
    let [dx] = call.outputs();
    if dx.len() < PARALLEL_FROM {
        vector::product(dx, dy, x, f);
    } else {
        let inputs = dy.par_chunks(CHUNK).zip(x.par_chunks(CHUNK));
        dx.par_chunks_mut(CHUNK).zip(inputs).for_each(|(dx, (dy, x))| vector::product(dx, dy, x, f));
    }
}

/// `y[i] = a[i] + b[i]`: inputs 0 and 1 to output 0.
pub fn sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
    let [y] = call.outputs();
    if y.len() < PARALLEL_FROM {
        vector::sum(y, a, b);
    } else {
        let inputs = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
        y.par_chunks_mut(CHUNK).zip(inputs).for_each(|(y, (a, b))| vector::sum(y, a, b));
    }
}
