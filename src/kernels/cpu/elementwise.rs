//! Loops shared by the element-wise CPU kernels.

use crate::kernels::row::Call;
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Below this many elements a thread hand-off costs more than it saves.
const PARALLEL_FROM: usize = 16 * 1024;
const CHUNK: usize = 4 * 1024;

/// `y[i] = f(x[i])`: input 0 to output 0.
pub fn map<T: Scalar>(call: &mut Call<'_, '_, T>, f: impl Fn(T) -> T + Sync) {
    let x = call.inputs[0].f();
    let [y] = call.outputs();
    let run = |y: &mut [T], x: &[T]| y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
    if y.len() < PARALLEL_FROM {
        run(y, x);
    } else {
        y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| run(y, x));
    }
}

/// `y[i] = f(a[i], b[i])`: inputs 0 and 1 to output 0.
pub fn map2<T: Scalar>(call: &mut Call<'_, '_, T>, f: impl Fn(T, T) -> T + Sync) {
    let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
    let [y] = call.outputs();
    let run = |y: &mut [T], a: &[T], b: &[T]| {
        for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
            *y = f(a, b);
        }
    };
    if y.len() < PARALLEL_FROM {
        run(y, a, b);
    } else {
        let inputs = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
        y.par_chunks_mut(CHUNK).zip(inputs).for_each(|(y, (a, b))| run(y, a, b));
    }
}
