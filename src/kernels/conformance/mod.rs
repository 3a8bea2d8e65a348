//! The dispatches of a conformance run: each kernel's shapes with operands, and corners made of them.
//!
//! Sizes are 1, odd, prime, one below, at and one past a workgroup or a tile, two tiles and one; rows on both sides of
//! the switch from one lane to 64; grids folded over two dimensions, some because the sizes need it (more than 65,535
//! workgroups), the others because the case allows fewer groups a dimension.

mod corners;
mod shapes;
mod values;

pub use corners::{huge, padded_nan};
pub use shapes::{MANY, ROWS_COLS, Shape, columns, lengths, row_wise, strided_rows, words};
pub use values::{DATA_ROWS, Scale, Values, extreme, normal, number, repeated};

use super::definition::{Args, Dtype, Kernel, Param};
use super::product::Products;
use super::row_lanes;

/// Rows of the tables (batch indices, sample weights, optimizer constants) of a case.
pub const TABLE_STEPS: usize = 3;
/// Workgroups a dimension of a grid may have: WebGPU's default.
pub const GROUPS: u32 = 65_535;

/// One dispatch with its operands.
#[derive(Debug, Clone)]
pub struct Case {
    /// Sizes and constants, for people.
    pub name: String,
    /// The kernel.
    pub kernel: Kernel,
    /// Parameters and override constants.
    pub args: Args,
    /// Contents of every binding before the dispatch, in the definition's order; numbers are `f32` values.
    pub values: Vec<Vec<f64>>,
    /// Element type of every binding: the definition's, but where words are copied, which may be numbers too.
    pub dtypes: Vec<Dtype>,
    /// Workgroups a dimension of the grid may have; below the number of workgroups, the grid is folded.
    pub groups_a_dimension: u32,
    /// Some operand is NaN: the device's result must be NaN exactly where the judge's is.
    pub with_nan: bool,
}

impl Case {
    /// The same with a change, which its name tells.
    pub(crate) fn changed(&self, what: &str, change: impl FnOnce(&mut Case)) -> Case {
        let mut case = Case { name: format!("{}, {what}", self.name), ..self.clone() };
        change(&mut case);
        case
    }
}

/// Every case of `kernel`; `seed` decides the operands. `lanes` is the subgroup size of an adapter on which matrix products
/// may use subgroups: then they have cases for that, too.
pub fn cases(kernel: Kernel, seed: u64, lanes: Option<u32>) -> Vec<Case> {
    let shapes = (kernel.shapes)(lanes);
    let mut cases = Vec::new();
    for (i, shape) in shapes.iter().enumerate() {
        // Both scales at every other shape would double the time and find no more.
        let scale = if i % 2 == 0 { Scale::Unit } else { Scale::Mixed };
        cases.push(case(kernel, shape, scale, seed.wrapping_add(i as u64)));
    }
    // NaN in each operand in turn, at the largest of the small shapes.
    let middle = &shapes[shapes.len() / 2];
    let case = case(kernel, middle, Scale::Unit, seed);
    cases.extend(values::may_be_nan(kernel).map(|binding| values::with_nan(&case, binding)));
    let corners = (kernel.corners)(kernel, &cases);
    cases.extend(corners);
    cases
}

/// One case of `kernel` with `sizes` as its first parameters, everything else as in its first conformance case, and the
/// constants as a plan chooses them for that size: what a benchmark times.
pub fn sized(kernel: Kernel, sizes: &[usize], products: Products) -> Case {
    let mut shape = (kernel.shapes)(None).swap_remove(0);
    for (param, size) in shape.args.params.iter_mut().zip(sizes) {
        *param = Param::U(*size as u32);
    }
    (kernel.chosen)(&mut shape, products);
    let mut case = case(kernel, &shape, Scale::Unit, 0);
    // From the tables' first row: repeated, a kernel may move the counter on.
    let counters = kernel.bindings.iter().zip(&mut case.values).filter(|(b, _)| matches!(b.values, Values::Step));
    counters.for_each(|(_, values)| values.fill(0.0));
    case
}

/// The constant LANES, where there is one, for the shape's columns.
pub fn choose_lanes(shape: &mut Shape, _products: Products) {
    let lanes = shape.args.constants.iter_mut().find(|(name, _)| *name == "LANES");
    if let (Some((_, lanes)), Some(Param::U(cols))) = (lanes, shape.args.params.get(1)) {
        *lanes = row_lanes(*cols as usize) as f64;
    }
}

/// The shape with operands.
fn case(kernel: Kernel, shape: &Shape, scale: Scale, seed: u64) -> Case {
    let args = shape.args.clone();
    // Where words are copied, even seeds give numbers, odd ones indices.
    let copied = |values: Values| matches!(values, Values::Data) && seed.is_multiple_of(2);
    let dtypes = kernel.bindings.iter().map(|b| if copied(b.values) { Dtype::F32 } else { b.dtype }).collect();
    let params = kernel.params.iter().zip(&args.params).map(|(name, value)| match value {
        Param::U(v) => format!("{name}={v}"),
        Param::F(v) => format!("{name}={v}"),
    });
    let words: Vec<String> = params
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
    values::fill(&mut case, scale, seed);
    case
}
