//! Kernels that move rows or parts of them: bits are copied.

use super::call::picked;
use super::conformance::{ROWS_COLS, Shape, Values};
use super::definition::{
    Args, BoundCall, Call, Definition, In, Out, StepPart, kernels, lines, read, read_u32, step, write, write_u32,
};
use super::scalar::Scalar;
use rayon::prelude::*;

/// Elements of two matrices side by side.
fn joined(a: &Args) -> u64 {
    a.count(0) * (a.count(1) + a.count(2))
}

kernels! {
    /// y\[i, :\] = data\[index\[i\], :\] with this step's row of the index table. Shapes: data `[any, cols]`, index
    /// `[steps, index_stride]`, y `[rows, cols]`. The shader copies words; here `data` and `y` are numbers or classes,
    /// as the plan's buffers say.
    gather_rows: "gather_rows.wgsl", gather_rows, gather_rows_bound, "0: bits are copied" {
        bindings: &[
            step(), read_u32("index").table(|a| a.size(2)).of(Values::Index), read_u32("data").columns().of(Values::Data),
            write_u32("y").matrix().of(Values::Data),
        ],
        params: &["rows", "cols", "index_stride"],
        groups: |a| lines(a.area().div_ceil(4)), bytes: |a| 4 * (2 * a.area() + a.count(0)), shapes: |_| gathers(),
        step_part: Some(StepPart::Gather),
        ..Definition::MATRIX
    }
    /// y\[r, c\] = x\[first + r * stride + c\]. Shapes: x at least `first + (rows - 1) * stride + cols` elements, y
    /// `[rows, cols]`.
    copy_window: "copy_window.wgsl", copy_window, copy_window_bound, "0: bits are copied" {
        bindings: &[
            read("x").whole(|a, _| a.size(3) + (a.size(0) - 1) * a.size(2) + a.size(1)).of(Values::Extreme), write("y").matrix(),
        ],
        params: &["rows", "cols", "stride", "first"],
        bytes: |a| 8 * a.area(), shapes: |_| windows(),
        ..Definition::MATRIX
    }
    /// y = \[a | b\], row by row. Shapes: a `[rows, cols_a]`, b `[rows, cols_b]`, y `[rows, cols_a + cols_b]`.
    join_columns: "join_columns.wgsl", join_columns, join_columns_bound, "0: bits are copied" {
        bindings: &[read("a").matrix(), read("b").rows(|a| a.size(2)), write("y").rows(|a| a.size(1) + a.size(2))],
        params: &["rows", "cols_a", "cols_b"],
        groups: |a| lines(joined(a)), bytes: |a| 8 * joined(a),
        shapes: |_| {
            let of = |[rows, cols]: &[usize; 2]| Shape::of(&[*rows, *cols, cols % 7 + 1]);
            ROWS_COLS.iter().map(of).chain([Shape::of(&[97, 30, 37]).folded(7)]).collect()
        },
        ..Definition::NEW
    }
}

fn gather_rows<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [rows, cols, stride] = call.args.sizes();
    let index = call.index(rows, stride);
    match (&call.inputs[2], &mut call.outputs[0]) {
        (In::F(data), Out::F(y)) => gather(index, data, y, cols),
        (In::U(data), Out::U(y)) => gather(index, data, y, cols),
        _ => unreachable!("data and result have one element type"),
    }
}

/// Up to this many elements one thread copies as fast as several. Measured inside a training step, where the other threads
/// are awake: a batch of 64 x 784 by four of them takes a step of mnist from 1,580 to 1,880 steps/s.
const PARALLEL_ABOVE: usize = 32 * 1024;

fn gather<E: Copy + Send + Sync>(index: &[u32], data: &[E], y: &mut [E], cols: usize) {
    let row = |(y, &row): (&mut [E], &u32)| {
        let at = row as usize * cols;
        y.copy_from_slice(&data[at..at + cols]);
    };
    if y.len() > PARALLEL_ABOVE {
        y.par_chunks_mut(cols).zip(index).with_min_len(16).for_each(row);
    } else {
        y.chunks_mut(cols).zip(index).for_each(row);
    }
}

/// The error bound: the rows' own errors.
fn gather_rows_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols, stride] = call.args.sizes();
    vec![picked(&call.inputs[2].error, call.index(rows, stride), cols)]
}

fn copy_window<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols, stride, first] = call.args.sizes();
    let x = call.inputs[0].f();
    let [y] = call.outputs();
    for (r, row) in y.chunks_mut(cols).enumerate() {
        row.copy_from_slice(&x[first + r * stride..][..cols]);
    }
}

fn copy_window_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    moved(call, copy_window)
}

fn join_columns<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols_a, cols_b] = call.args.sizes();
    let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
    let [y] = call.outputs();
    for ((row, a), b) in y.chunks_mut(cols_a + cols_b).zip(a.chunks(cols_a)).zip(b.chunks(cols_b)) {
        row[..cols_a].copy_from_slice(a);
        row[cols_a..].copy_from_slice(b);
    }
}

fn join_columns_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    moved(call, join_columns)
}

/// The error bound of a kernel that moves its elements: their own errors, moved alike.
fn moved(call: &BoundCall<'_>, kernel: fn(&mut Call<'_, '_, f64>)) -> Vec<Vec<f64>> {
    let inputs: Vec<In<'_, f64>> = call.inputs.iter().map(|input| In::F(&input.error)).collect();
    let mut error = vec![0.0; call.after[0].len()];
    kernel(&mut Call { args: call.args, inputs: &inputs, outputs: &mut [Out::F(&mut error)] });
    vec![error]
}

/// Rows of an index table as long as the batch, or longer; rows of whole words are copied as such.
fn gathers() -> Vec<Shape> {
    let of = |[rows, cols]: [usize; 2]| [rows, rows + 3].map(|stride| Shape::of(&[rows, cols, stride]));
    let mut shapes: Vec<Shape> = ROWS_COLS.into_iter().flat_map(of).collect();
    let fours = ROWS_COLS.into_iter().filter(|[_, cols]| cols.is_multiple_of(4));
    shapes.extend(fours.flat_map(of).map(|s| s.with(&[("VEC", 1.0)])));
    shapes.push(Shape::of(&[97, 68, 97]).with(&[("VEC", 1.0)]).folded(7));
    shapes.push(Shape::of(&[97, 67, 97]).folded(7));
    shapes
}

/// Some columns of rows from a start that is no multiple of anything, then whole rows; a grid folded over three dimensions.
/// Whole rows stand in the middle, where a NaN is planted: all of x is copied.
fn windows() -> Vec<Shape> {
    let part = |[rows, cols]: &[usize; 2]| Shape::of(&[*rows, *cols, cols + 3, 5]);
    let whole = |[rows, cols]: &[usize; 2]| Shape::of(&[*rows, *cols, *cols, 0]);
    let folded = Shape::of(&[97, 67, 70, 3]).folded(7);
    ROWS_COLS.iter().map(part).chain(ROWS_COLS.iter().map(whole)).chain([folded]).collect()
}
