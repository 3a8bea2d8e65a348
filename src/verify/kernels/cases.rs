//! The dispatches of a conformance run: the shapes at which kernels go wrong.
//!
//! Sizes are 1, odd, prime, one below, at and one past a workgroup or a tile, two tiles and one; rows on both sides of
//! the switch from one lane to 64; grids folded over two dimensions, some because the sizes need it (more than 65,535
//! workgroups), the others because the case allows fewer groups a dimension.

use super::corners::corners;
use super::extent::extents;
use super::values::{self, Scale};
use super::{Case, TABLE_STEPS};
use crate::kernels::dropout::threshold_scale;
use crate::kernels::{Act, Args, Dtype, Kernel, Param, row_lanes};
use crate::plan::tuning::{Class, Way};
use crate::plan::{Limits, Products};

/// WebGPU's default.
const GROUPS: u32 = Limits::WEBGPU.max_compute_workgroups_per_dimension;
/// Elements of an element-wise kernel.
const LENGTHS: [usize; 9] = [1, 31, 63, 64, 65, 97, 128, 129, 1000];
/// One element more than 65,535 workgroups of 64 hold, and an odd remainder.
const MANY: usize = 64 * GROUPS as usize + 67;
/// Rows and columns of a row-wise kernel: one, around a workgroup of rows, around the switch at 64 columns.
const ROWS_COLS: [[usize; 2]; 11] =
    [[1, 1], [1, 64], [3, 65], [2, 200], [31, 10], [64, 2], [65, 3], [97, 1], [129, 31], [33, 64], [5, 131]];
/// m, n, k of a product: one; odd and prime; below, at and past the tile of 32 and the slice of 16; two tiles and one.
const PRODUCTS: [[usize; 3]; 11] = [
    [1, 1, 1],
    [1, 33, 64],
    [33, 1, 5],
    [5, 7, 1],
    [31, 97, 33],
    [32, 32, 16],
    [33, 33, 17],
    [65, 65, 15],
    [64, 64, 200],
    [3, 97, 300],
    [97, 2, 97],
];
/// The same with n a multiple of 4, for products by subgroups: tiles of 16 and 32 columns, every remainder of m and k.
const FOURS: [[usize; 3]; 13] = [
    [1, 4, 1],
    [1, 32, 64],
    [33, 4, 5],
    [5, 8, 2],
    [31, 100, 33],
    [32, 32, 16],
    [34, 36, 18],
    [66, 68, 15],
    [64, 64, 200],
    [4, 96, 303],
    [97, 12, 97],
    [10, 72, 6],
    [20, 4, 6],
];
const ACTS: [Act; 9] = [
    Act::Identity,
    Act::Sigmoid,
    Act::Tanh,
    Act::Relu,
    Act::LeakyRelu(0.01),
    Act::Gelu,
    Act::GeluTanh,
    Act::Silu,
    Act::Softplus,
];

/// A dispatch without its operands.
struct Shape {
    params: Vec<Param>,
    constants: Vec<(&'static str, f64)>,
    groups_a_dimension: u32,
}

impl Shape {
    fn of(sizes: &[usize]) -> Shape {
        let params = sizes.iter().map(|s| Param::U(*s as u32)).collect();
        Shape { params, constants: Vec::new(), groups_a_dimension: GROUPS }
    }

    fn with(mut self, constants: &[(&'static str, f64)]) -> Shape {
        self.constants.extend(constants);
        self
    }

    fn and(mut self, params: &[Param]) -> Shape {
        self.params.extend(params);
        self
    }

    fn folded(self, groups_a_dimension: u32) -> Shape {
        Shape { groups_a_dimension, ..self }
    }
}

/// Every case of `kernel`; `seed` decides the operands. `lanes` is the subgroup size of an adapter on which matrix products
/// may use subgroups: then they have cases for that, too.
pub fn cases(kernel: Kernel, seed: u64, lanes: Option<u32>) -> Vec<Case> {
    let shapes = shapes(kernel, lanes);
    let mut cases = Vec::new();
    for (i, shape) in shapes.iter().enumerate() {
        // Both scales at every other shape would double the time and find no more.
        let scale = if i % 2 == 0 { Scale::Unit } else { Scale::Mixed };
        cases.push(case(kernel, shape, scale, seed.wrapping_add(i as u64)));
    }
    // NaN in each operand in turn, at the largest of the small shapes.
    let middle = &shapes[shapes.len() / 2];
    for binding in values::numbers_read(kernel) {
        let mut case = case(kernel, middle, Scale::Unit, seed);
        values::plant_nan(&mut case, binding);
        cases.push(case);
    }
    let corners = corners(kernel, &cases);
    cases.extend(corners);
    cases
}

/// One case of `kernel` with `sizes` as its first parameters, everything else as in its first conformance case, and the
/// constants as a plan chooses them for that size: what a benchmark times.
pub fn sized(kernel: Kernel, sizes: &[usize], chosen: Products) -> Case {
    let Shape { mut params, mut constants, .. } = shapes(kernel, None).swap_remove(0);
    for (param, size) in params.iter_mut().zip(sizes) {
        *param = Param::U(*size as u32);
    }
    if let ([m, n, k], true) = (sizes, kernel.is_product()) {
        let transposed = match kernel.name {
            "matmul_bias_act" | "gather_matmul_bias_act" => [false, true],
            "matmul_col_sum" | "gather_matmul_col_sum" => [true, false],
            _ => [false, false],
        };
        constants.retain(|(name, _)| *name != "DIRECT");
        constants.extend(chosen.constants([*m, *n, *k], transposed));
    } else if let ([_, n, k], "dense_cross_entropy") = (sizes, kernel.name) {
        params[5] = Param::U((n * k) as u32);
        constants.retain(|(name, _)| !matches!(*name, "COLS" | "WIDTH"));
        constants.push(("COLS", *n as f64));
        constants.extend(chosen.lanes.iter().flat_map(|l| ["WIDTH", "SUBGROUP"].map(|name| (name, f64::from(*l)))));
    } else {
        constants.iter_mut().filter(|(name, _)| *name == "LANES").for_each(|(_, v)| *v = row_lanes(sizes[1]) as f64);
    }
    let mut case = case(kernel, &Shape { params, constants, groups_a_dimension: GROUPS }, Scale::Unit, 0);
    // From the tables' first row: repeated, a kernel may move the counter on.
    let counters = kernel.bindings.iter().zip(&mut case.values).filter(|(b, _)| b.name == "step");
    counters.for_each(|(_, values)| values.fill(0.0));
    case
}

fn shapes(kernel: Kernel, lanes: Option<u32>) -> Vec<Shape> {
    match kernel.name {
        "matmul" => products(matmul_constants(), true, lanes, [false; 2]),
        "matmul_bias_act" => {
            let keep = |act| [0.0, 1.0].map(|k| [act_constants(act), vec![("KEEP_Z", k)]].concat());
            products(ACTS.into_iter().flat_map(keep).collect(), false, lanes, [false, true])
        }
        "matmul_act_grad" => products(ACTS.into_iter().map(act_constants).collect(), false, lanes, [false; 2]),
        "matmul_col_sum" => products(vec![Vec::new()], true, lanes, [true, false]),
        "gather_matmul_bias_act" => {
            // The epilogue's code is that of matmul_bias_act, which has them all.
            let acts = [(Act::Sigmoid, 1.0), (Act::Relu, 0.0)];
            let variants = acts.map(|(act, keep)| [act_constants(act), vec![("KEEP_Z", keep)]].concat());
            with_index(products(variants.to_vec(), false, lanes, [false, true]), 0)
        }
        "gather_matmul_col_sum" => with_index(products(vec![Vec::new()], true, lanes, [true, false]), 2),
        "col_sum" => column_sums(),
        "gather_rows" => gathers(),
        "weighted_sum" => {
            let of = |n: usize| [[n, n], [n, n + 3], [n, 0]].map(|p| Shape::of(&p));
            [1, 31, 64, 65, 129, 4097].into_iter().flat_map(of).collect()
        }
        "add_bias" => ROWS_COLS.iter().map(|s| Shape::of(s)).chain([Shape::of(&[97, 67]).folded(7)]).collect(),
        "copy_window" => windows(),
        "join_columns" => {
            let of = |[rows, cols]: &[usize; 2]| Shape::of(&[*rows, *cols, cols % 7 + 1]);
            ROWS_COLS.iter().map(of).chain([Shape::of(&[97, 30, 37]).folded(7)]).collect()
        }
        "dropout" => dropouts(),
        "advance" => vec![Shape::of(&[1]), Shape::of(&[5])],
        "find_nonfinite" => searches(),
        "add" | "identity" | "sigmoid" | "tanh" | "relu" | "gelu" | "gelu_tanh" | "silu" | "softplus"
        | "identity_grad" | "sigmoid_grad" | "tanh_grad" | "relu_grad" | "gelu_grad" | "gelu_tanh_grad"
        | "silu_grad" | "softplus_grad" => lengths(kernel, &[]),
        "leaky_relu" | "leaky_relu_grad" => lengths(kernel, &[Param::F(0.01)]),
        "softmax" | "softmax_grad" => row_wise(kernel, &[]),
        "dense_cross_entropy" => heads(lanes),
        "layer_norm" | "layer_norm_grad" => row_wise(kernel, &[Param::F(1e-5)]),
        "batch_moments" => columns(&[Param::F(0.1), Param::F(0.9)]),
        "batch_norm" => columns(&[Param::F(1e-5)]),
        "batch_norm_grad" => {
            let with = |batch: f64| columns(&[Param::F(1e-5)]).into_iter().map(move |s| s.with(&[("BATCH", batch)]));
            [1.0, 0.0].into_iter().flat_map(with).collect()
        }
        "huber" => row_wise(kernel, &[]).into_iter().map(|s| s.with(&[("DELTA", 0.7)])).collect(),
        "half_squared_error" | "mse" | "mae" | "binary_cross_entropy" | "bce_with_logits" | "hinge" => {
            row_wise(kernel, &[])
        }
        "cross_entropy" => class_losses(kernel),
        _ => updates(kernel),
    }
}

/// From the gradients to the parameters: clipping and the optimizers' steps.
fn updates(kernel: Kernel) -> Vec<Shape> {
    match kernel.name {
        "square_sum" => square_sums(),
        "clip_norm" | "clip_value" => lengths(kernel, &[Param::F(0.7)]),
        _ => optimizers(kernel),
    }
}

/// Element-wise kernels. One of them stands for all where the size is what is tested: the grid's code is shared.
fn lengths(kernel: Kernel, tail: &[Param]) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = LENGTHS.iter().map(|n| Shape::of(&[*n]).and(tail)).collect();
    // 98 groups in rows of 7, the last one not full.
    shapes.push(Shape::of(&[97 * 64 + 5]).and(tail).folded(7));
    if kernel == Kernel::relu {
        shapes.push(Shape::of(&[MANY]));
    }
    shapes
}

/// Whole and broken blocks of four, the start of a later block, every share from none to nearly all.
fn dropouts() -> Vec<Shape> {
    let tail = |layer: u32, p: f64| {
        let (threshold, scale) = threshold_scale(p);
        [Param::U(layer), Param::U(threshold), Param::F(scale)]
    };
    let of = |(i, n): (usize, usize)| Shape::of(&[n, 64 * (i % 3)]).and(&tail(i as u32, [0.5, 0.2, 0.0, 0.999][i % 4]));
    let sizes = [1, 2, 3, 4, 5, 255, 256, 257, 1000];
    sizes.into_iter().enumerate().map(of).chain([Shape::of(&[97 * 256 + 5, 0]).and(&tail(7, 0.3)).folded(7)]).collect()
}

/// Whole and broken words of four; grids as for the optimizers, which move such words too.
fn searches() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = [1, 2, 3, 4, 5, 255, 256, 257, 1000].iter().map(|n| Shape::of(&[*n])).collect();
    shapes.push(Shape::of(&[97 * 256 + 5]).folded(7));
    shapes
}

/// Broken words, around a part of 4096, several parts; 13 parts in rows of 5.
fn square_sums() -> Vec<Shape> {
    let part = crate::kernels::SQUARE_SUM_PART;
    let sizes = [1, 2, 3, 4, 5, 255, 257, 1000, part - 1, part, part + 1, 3 * part + 77];
    let folded = Shape::of(&[12 * part + 5]).folded(5);
    sizes.iter().map(|n| Shape::of(&[*n])).chain([folded]).collect()
}

fn act_constants(act: Act) -> Vec<(&'static str, f64)> {
    vec![("ACT", f64::from(act.code())), ("SLOPE", act.slope())]
}

fn matmul_constants() -> Vec<Vec<(&'static str, f64)>> {
    let of = |a: f64| [0.0, 1.0].map(|b| vec![("TRANS_A", a), ("TRANS_B", b)]);
    [0.0, 1.0].into_iter().flat_map(of).collect()
}

/// Every shape with every transpose; with every activation, three shapes in turn, for the product's code is shared.
/// Each through workgroup memory and directly; and by subgroups of `lanes`. `transposed` says how the kernel's operands are
/// stored where no constant does.
fn products(
    variants: Vec<Vec<(&'static str, f64)>>,
    every_shape: bool,
    lanes: Option<u32>,
    transposed: [bool; 2],
) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (v, (constants, direct)) in variants.iter().flat_map(|c| [(c, 0.0), (c, 1.0)]).enumerate() {
        let product = |sizes: &[usize; 3]| Shape::of(sizes).with(constants).with(&[("DIRECT", direct)]);
        let chosen = |i: usize| every_shape || (i + v).is_multiple_of(4);
        shapes.extend(PRODUCTS.iter().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, sizes)| product(sizes)));
        // 16 tiles in rows of 3: the last row has one.
        shapes.push(product(&[97, 98, 9]).folded(3));
    }
    shapes.extend(every_way(&variants, lanes, transposed));
    if let Some(lanes) = lanes {
        for (v, constants) in variants.iter().enumerate() {
            // Each pipeline takes a driver a while to build.
            let chosen = |i: usize| every_shape || (i + v).is_multiple_of(FOURS.len());
            let sizes = FOURS.iter().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, sizes)| *sizes);
            shapes.extend(sizes.map(|sizes| broadcast(sizes, constants, lanes, transposed)));
        }
        shapes.push(broadcast([97, 100, 9], &variants[0], lanes, transposed).folded(3));
    }
    if every_shape {
        // More than 65,535 tiles, without barriers: a software rasteriser would take ten seconds for them.
        let n = 32 * GROUPS as usize + 33;
        shapes.push(Shape::of(&[1, n, 2]).with(&variants[variants.len() - 1]).with(&[("DIRECT", 1.0)]));
    }
    shapes
}

/// Every way that a tuning may choose, on hardware and on a software adapter with `lanes`, at some shapes each.
fn every_way(variants: &[Vec<(&'static str, f64)>], lanes: Option<u32>, transposed: [bool; 2]) -> Vec<Shape> {
    let software = Products { direct: true, lanes };
    let ways = [Products::default(), software].map(|products| products.ways(&Class::of(FOURS[0], transposed))).concat();
    let mut shapes = Vec::new();
    for (v, way) in ways.into_iter().enumerate() {
        // Each pair of a way and what its operands' words are is a pipeline.
        let (sizes, every) = if matches!(way, Way::Broadcast(_)) { (&FOURS[..], 7) } else { (&PRODUCTS[..], 4) };
        let sizes = sizes.iter().enumerate().filter(|(i, _)| (i + v).is_multiple_of(every)).map(|(_, sizes)| *sizes);
        let constants = &variants[v % variants.len()];
        let own = |sizes| software.constants_of(way, sizes, stored(constants, transposed));
        shapes.extend(sizes.map(|sizes| Shape::of(&sizes).with(constants).with(&own(sizes))));
    }
    shapes
}

/// Whether a and b are stored transposed: as the constants say, or `transposed` where none does.
fn stored(constants: &[(&'static str, f64)], transposed: [bool; 2]) -> [bool; 2] {
    let flag = |name: &str, or: bool| constants.iter().find(|(n, _)| *n == name).map_or(or, |(_, v)| *v != 0.0);
    [flag("TRANS_A", transposed[0]), flag("TRANS_B", transposed[1])]
}

/// The same products with an index table, whose rows are as long as the batch, or longer; the size at `batch` is the batch's.
fn with_index(shapes: Vec<Shape>, batch: usize) -> Vec<Shape> {
    let stride = |(i, shape): (usize, Shape)| {
        let Param::U(rows) = shape.params[batch] else { unreachable!("products have sizes first") };
        shape.and(&[Param::U(rows + [0, 3][i % 2])])
    };
    shapes.into_iter().enumerate().map(stride).collect()
}

/// A product by subgroups; an odd k has tiles as high as there are lanes, an even one those that a plan chooses.
fn broadcast(sizes: [usize; 3], constants: &[(&'static str, f64)], lanes: u32, transposed: [bool; 2]) -> Shape {
    let chosen = Products { direct: true, lanes: Some(lanes) };
    let mut own = chosen.constants(sizes, stored(constants, transposed));
    if !sizes[2].is_multiple_of(2) {
        own.iter_mut().filter(|(name, _)| *name == "BLOCKS").for_each(|(_, v)| *v = f64::from(lanes));
    }
    Shape::of(&sizes).with(constants).with(&own)
}

/// Short columns, one past the sum of an invocation, long ones that leave several parts.
fn column_sums() -> Vec<Shape> {
    let per = crate::kernels::COL_SUM_ROWS;
    let sizes =
        [[1, 1], [1, 97], [31, 33], [255, 2], [256, 3], [257, 2], [513, 31], [1000, 65], [65_537, 3], [1, MANY]];
    let mut shapes: Vec<Shape> = sizes.iter().map(|[r, c]| Shape::of(&[*r, *c, per])).collect();
    shapes.push(Shape::of(&[515, 97, per]).folded(2));
    shapes.push(Shape::of(&[7, 5, 2]));
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

fn gathers() -> Vec<Shape> {
    let of = |[rows, cols]: [usize; 2]| [rows, rows + 3].map(|stride| Shape::of(&[rows, cols, stride]));
    let mut shapes: Vec<Shape> = ROWS_COLS.into_iter().flat_map(of).collect();
    // Rows of whole words, which are copied as such.
    let fours = ROWS_COLS.into_iter().filter(|[_, cols]| cols.is_multiple_of(4));
    shapes.extend(fours.flat_map(of).map(|s| s.with(&[("VEC", 1.0)])));
    shapes.push(Shape::of(&[97, 68, 97]).with(&[("VEC", 1.0)]).folded(7));
    shapes.push(Shape::of(&[97, 67, 97]).folded(7));
    shapes
}

/// Losses take the stride of the upstream table: a row for each step, or one for all.
fn row_wise(kernel: Kernel, tail: &[Param]) -> Vec<Shape> {
    let plain = !kernel.params.contains(&"upstream_stride");
    let shape = |rows: usize, cols: usize, stride: usize, lanes: usize| {
        let sizes = if plain { vec![rows, cols] } else { vec![rows, cols, stride] };
        Shape::of(&sizes).and(tail).with(&[("LANES", lanes as f64)])
    };
    let mut shapes: Vec<Shape> =
        ROWS_COLS.iter().enumerate().map(|(i, [r, c])| shape(*r, *c, [*r, r + 3, 0][i % 3], row_lanes(*c))).collect();
    // Narrow rows with 64 lanes, wide rows with one: neither is what a plan chooses, both must be right.
    shapes.extend([shape(7, 10, 7, 64), shape(70, 130, 0, 1)]);
    shapes.extend([shape(97, 70, 97, 64).folded(5), shape(64 * 11 + 1, 3, 64 * 11 + 1, 1).folded(5)]);
    if kernel == Kernel::mse {
        // More than 65,535 workgroups, without barriers for the same reason as in `products`.
        shapes.push(shape(MANY, 1, 0, 1));
    }
    shapes
}

/// With label smoothing in the middle, where the cases with NaN come from, so that both scales meet each.
fn class_losses(kernel: Kernel) -> Vec<Shape> {
    let mut shapes = row_wise(kernel, &[]);
    let smoothed = row_wise(kernel, &[]).into_iter().map(|s| s.with(&[("SMOOTHING", 0.1)]));
    let middle = shapes.len() / 2;
    shapes.splice(middle..middle, smoothed.collect::<Vec<_>>());
    shapes
}

/// Rows around a workgroup, columns around each group of four, inputs of one word, around a pass of the workgroup and odd
/// numbers of words; the bias right behind the weight or further on.
fn heads(lanes: Option<u32>) -> Vec<Shape> {
    const SIZES: [[usize; 3]; 10] = [
        [1, 1, 4],
        [7, 2, 28],
        [8, 10, 32],
        [9, 16, 36],
        [31, 3, 64],
        [64, 10, 128],
        [17, 5, 12],
        [3, 13, 100],
        [16, 8, 68],
        [5, 4, 60],
    ];
    let shape = |i: usize, [m, n, k]: [usize; 3], own: &[(&'static str, f64)]| {
        let strides = [m + [0, 3][i % 2], [m, m + 3, 0][i % 3], n * k + [0, 7][i % 2]];
        let act = act_constants(ACTS[(i + own.len()) % ACTS.len()]);
        Shape::of(&[m, n, k]).and(&strides.map(|s| Param::U(s as u32))).with(&act).with(&[("COLS", n as f64)]).with(own)
    };
    let mut ways: Vec<Vec<(&'static str, f64)>> = vec![vec![("WIDTH", 8.0)], vec![("WIDTH", 4.0)]];
    ways.extend(lanes.map(f64::from).map(|lanes| vec![("WIDTH", lanes), ("SUBGROUP", lanes)]));
    let mut shapes = Vec::new();
    for own in &ways {
        shapes.extend(SIZES.iter().enumerate().map(|(i, sizes)| shape(i, *sizes, own)));
        shapes.push(shape(0, [97, 6, 24], own).folded(5));
        shapes.push(shape(1, [19, 10, 32], own).with(&[("SMOOTHING", 0.1)]));
    }
    shapes
}

/// Kernels that work on columns: a thread for each, and some groups of them.
fn columns(tail: &[Param]) -> Vec<Shape> {
    let sizes = ROWS_COLS.into_iter().chain([[2, 63], [3, 64], [7, 129]]);
    let folded = Shape::of(&[3, 97 * 64 + 5]).and(tail).folded(7);
    sizes.map(|s| Shape::of(&s).and(tail)).chain([folded]).collect()
}

/// With and without weight decay, over whole and broken workgroups.
fn optimizers(kernel: Kernel) -> Vec<Shape> {
    let hyper = crate::optim::HYPER_COLUMNS;
    let mut settings: Vec<Vec<Param>> = Vec::new();
    for decay in [0.0, 0.01] {
        match kernel.name {
            "sgd_step" => settings.push(vec![Param::F(decay)]),
            "sgd_momentum_step" => {
                settings.extend([0, 1].map(|nesterov| vec![Param::U(nesterov), Param::F(decay)]));
            }
            "rmsprop_step" | "rmsprop_momentum_step" | "rmsprop_centered_step" => {
                settings.push([0.99, 1.0 - 0.99, 1e-8, decay].map(Param::F).to_vec());
            }
            "adagrad_step" => settings.push([1e-10, decay].map(Param::F).to_vec()),
            "lion_step" => settings.push([0.99, 1.0 - 0.99, decay].map(Param::F).to_vec()),
            _ => settings.push([0.999, 1.0 - 0.999, 1e-8, decay].map(Param::F).to_vec()),
        }
    }
    let mut shapes = Vec::new();
    for setting in &settings {
        shapes.extend([1, 63, 64, 97, 129, 1000].map(|n| Shape::of(&[n, hyper]).and(setting)));
        shapes.push(Shape::of(&[97 * 64 + 5, hyper]).and(setting).folded(7));
        if kernel.strips {
            // Whole and broken strips, a strip that begins past the end, groups in rows of 7.
            let words = |n: usize, words: f64| Shape::of(&[n, hyper]).and(setting).with(&[("WORDS", words)]);
            shapes.extend([(1, 8.0), (97, 8.0), (1000, 3.0), (2048, 8.0), (2053, 8.0)].map(|(n, w)| words(n, w)));
            shapes.push(words(97 * 64 + 5, 3.0).folded(7));
        }
    }
    shapes
}

/// The shape with operands.
fn case(kernel: Kernel, shape: &Shape, scale: Scale, seed: u64) -> Case {
    let row = kernel;
    let args = Args { params: shape.params.clone(), constants: shape.constants.clone() };
    // gather_rows copies words: even seeds give numbers, odd ones classes.
    let numbers = kernel == Kernel::gather_rows && seed.is_multiple_of(2);
    let dtype = |name: &str, dtype: Dtype| if numbers && matches!(name, "data" | "y") { Dtype::F32 } else { dtype };
    let dtypes: Vec<Dtype> = row.bindings.iter().map(|b| dtype(b.name, b.dtype)).collect();
    let lengths = extents(kernel, &args, TABLE_STEPS);
    let words: Vec<String> = row
        .params
        .iter()
        .zip(&args.params)
        .map(|(name, value)| match value {
            Param::U(v) => format!("{name}={v}"),
            Param::F(v) => format!("{name}={v}"),
        })
        .chain(args.constants.iter().map(|(name, value)| format!("{name}={value}")))
        .chain((shape.groups_a_dimension != GROUPS).then(|| format!("folded by {}", shape.groups_a_dimension)))
        .chain((scale == Scale::Mixed).then(|| "mixed scales".to_string()))
        .collect();
    let mut case = Case {
        name: words.join(" "),
        kernel,
        args,
        values: Vec::new(),
        dtypes,
        groups_a_dimension: shape.groups_a_dimension,
        with_nan: false,
    };
    values::fill(&mut case, &lengths, scale, seed);
    case
}
