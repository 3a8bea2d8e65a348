//! Conformance cases of the matrix products.

use super::super::activation::Activation;
use super::super::conformance::{Case, GROUPS, Shape};
use super::super::definition::{Kernel, Param};
use super::super::shader::Tiling;
use super::Products;
use super::tuning::{Class, Way};

/// Constants of a shape.
type Constants = Vec<(&'static str, f64)>;

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
/// Slice of k that passes through workgroup memory (`shaders/lib/matmul_tile.wgsl`).
const SLICE: usize = 16;

/// `matmul`: every transpose.
pub fn plain(lanes: Option<u32>) -> Vec<Shape> {
    let of = |a: f64| [0.0, 1.0].map(|b| vec![("TRANS_A", a), ("TRANS_B", b)]);
    shapes([0.0, 1.0].into_iter().flat_map(of).collect(), true, lanes, [false; 2])
}

/// Forward: every activation, kept or not.
pub fn forward(lanes: Option<u32>) -> Vec<Shape> {
    let keep = |act: Activation| [0.0, 1.0].map(|k| [act.epilogue(), vec![("KEEP_Z", k)]].concat());
    shapes(Activation::element_wise().flat_map(keep).collect(), false, lanes, [false, true])
}

/// The gradient of a layer's input: every activation.
pub fn backward(lanes: Option<u32>) -> Vec<Shape> {
    shapes(Activation::element_wise().map(Activation::epilogue).collect(), false, lanes, [false; 2])
}

/// The gradients of a layer's parameters.
pub fn weights(lanes: Option<u32>) -> Vec<Shape> {
    shapes(vec![Vec::new()], true, lanes, [true, false])
}

/// Forward with a batch that is gathered; the epilogue's code is that of [`forward`], which has them all.
pub fn gathered_forward(lanes: Option<u32>) -> Vec<Shape> {
    let variants = [(Activation::Sigmoid, 1.0), (Activation::Relu, 0.0)];
    let variants = variants.map(|(act, keep)| [act.epilogue(), vec![("KEEP_Z", keep)]].concat());
    with_index(shapes(variants.to_vec(), false, lanes, [false, true]), 0)
}

/// The gradients of parameters with a batch that is gathered.
pub fn gathered_weights(lanes: Option<u32>) -> Vec<Shape> {
    with_index(weights(lanes), 2)
}

/// Every shape with every transpose; with every activation, three shapes in turn, for the product's code is shared.
/// Each through workgroup memory and directly; and by subgroups of `lanes`. `transposed` says how the kernel's operands are
/// stored where no constant does.
fn shapes(variants: Vec<Constants>, every_shape: bool, lanes: Option<u32>, transposed: [bool; 2]) -> Vec<Shape> {
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
fn every_way(variants: &[Constants], lanes: Option<u32>, transposed: [bool; 2]) -> Vec<Shape> {
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
        let rows = shape.args.size(batch);
        shape.and(&[Param::U((rows + [0, 3][i % 2]) as u32)])
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

/// The way that `products` take for the shape's sizes, `transposed` as above.
pub fn choose(shape: &mut Shape, products: Products, transposed: [bool; 2]) {
    let args = &mut shape.args;
    let own = products.constants(args.sizes(), stored(&args.constants, transposed));
    args.constants.retain(|(name, _)| *name != "DIRECT");
    args.constants.extend(own);
}

/// NaN right behind the first row of an operand that is stored along k: a slice that reads on past k takes it in, and a
/// zero on the other side does not make it good.
pub fn past_the_slice(kernel: Kernel, cases: &[Case]) -> Vec<Case> {
    let Some(product) = kernel.product else { return Vec::new() };
    // Behind `step` and the index table, where there is one.
    let first = if kernel.gathers() { 2 } else { 0 };
    let mut corners = Vec::new();
    for tiling in Tiling::ALL {
        let fits = |c: &&Case| {
            let [m, n, k] = c.args.sizes();
            let slice = if tiling == Tiling::Tile { SLICE } else { 4 };
            let here =
                Tiling::of(&c.args) == tiling && c.args.constant("DIRECT") == 0.0 && c.groups_a_dimension == GROUPS;
            here && m > 1 && n > 1 && !k.is_multiple_of(slice) && !c.with_nan
        };
        // a is stored along k unless it is transposed, b if it is.
        let along_k = [false, true];
        for (operand, along_k) in along_k.into_iter().enumerate() {
            let found = cases.iter().filter(fits).find(|c| product.transposed(&c.args)[operand] == along_k);
            let name = kernel.bindings[first + operand].name;
            corners.extend(found.map(|of| {
                of.changed(&format!("NaN behind the first row of {name}"), |case| {
                    case.values[first + operand][case.args.size(2)] = f64::NAN;
                    case.with_nan = true;
                })
            }));
        }
    }
    corners
}
