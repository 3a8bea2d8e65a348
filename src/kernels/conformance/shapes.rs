//! Shapes that several families share.

use super::GROUPS;
use crate::kernels::definition::{Args, Param};
use crate::kernels::row_lanes;

/// Elements of an element-wise kernel.
const LENGTHS: [usize; 9] = [1, 31, 63, 64, 65, 97, 128, 129, 1000];
/// One element more than 65,535 workgroups of 64 hold, and an odd remainder.
pub const MANY: usize = 64 * GROUPS as usize + 67;
/// Rows and columns of a row-wise kernel: one, around a workgroup of rows, around the switch at 64 columns.
pub const ROWS_COLS: [[usize; 2]; 11] =
    [[1, 1], [1, 64], [3, 65], [2, 200], [31, 10], [64, 2], [65, 3], [97, 1], [129, 31], [33, 64], [5, 131]];

/// A dispatch without its operands.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The parameters and override constants.
    pub args: Args,
    /// Workgroups a dimension of the grid may have.
    pub groups_a_dimension: u32,
}

impl Shape {
    /// The parameters `sizes`.
    pub fn of(sizes: &[usize]) -> Shape {
        let params = sizes.iter().map(|s| Param::U(*s as u32)).collect();
        Shape { args: Args { params, constants: Vec::new() }, groups_a_dimension: GROUPS }
    }

    /// With more constants.
    pub fn with(mut self, constants: &[(&'static str, f64)]) -> Shape {
        self.args.constants.extend(constants);
        self
    }

    /// With more parameters.
    pub fn and(mut self, params: &[Param]) -> Shape {
        self.args.params.extend(params);
        self
    }

    /// With fewer groups a dimension.
    pub fn folded(self, groups_a_dimension: u32) -> Shape {
        Shape { groups_a_dimension, ..self }
    }
}

/// Element-wise kernels, `tail` being the parameters behind the length.
pub fn lengths(tail: &[Param]) -> Vec<Shape> {
    let shapes = LENGTHS.iter().map(|n| Shape::of(&[*n]).and(tail));
    // 98 groups in rows of 7, the last one not full.
    shapes.chain([Shape::of(&[97 * 64 + 5]).and(tail).folded(7)]).collect()
}

/// Kernels that move words of four: whole and broken words and workgroups, by the length.
pub fn words(shape: impl Fn(usize) -> Shape) -> Vec<Shape> {
    let shapes = [1, 2, 3, 4, 5, 255, 256, 257, 1000].map(&shape);
    shapes.into_iter().chain([shape(97 * 256 + 5).folded(7)]).collect()
}

/// Kernels that work row by row, `tail` being the parameters behind rows and columns.
pub fn row_wise(tail: &[Param]) -> Vec<Shape> {
    strided_rows(|_| tail.to_vec())
}

/// The same, `tail` following from the stride of a table that has a row for each step, or one for all (0).
pub fn strided_rows(tail: impl Fn(usize) -> Vec<Param>) -> Vec<Shape> {
    let shape = |rows: usize, cols: usize, stride: usize, lanes: usize| {
        Shape::of(&[rows, cols]).and(&tail(stride)).with(&[("LANES", lanes as f64)])
    };
    let mut shapes: Vec<Shape> =
        ROWS_COLS.iter().enumerate().map(|(i, [r, c])| shape(*r, *c, [*r, r + 3, 0][i % 3], row_lanes(*c))).collect();
    // Narrow rows with 64 lanes, wide rows with one: neither is what a plan chooses, both must be right.
    shapes.extend([shape(7, 10, 7, 64), shape(70, 130, 0, 1)]);
    shapes.extend([shape(97, 70, 97, 64).folded(5), shape(64 * 11 + 1, 3, 64 * 11 + 1, 1).folded(5)]);
    shapes
}

/// Kernels that work on columns: an invocation for each, and some groups of them.
pub fn columns(tail: &[Param]) -> Vec<Shape> {
    let sizes = ROWS_COLS.into_iter().chain([[2, 63], [3, 64], [7, 129]]);
    let folded = Shape::of(&[3, 97 * 64 + 5]).and(tail).folded(7);
    sizes.map(|s| Shape::of(&s).and(tail)).chain([folded]).collect()
}
