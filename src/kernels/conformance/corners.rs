//! Cases made of one special operand among ordinary ones. Each was added because a shader with one small mistake passed
//! all the others (`tests/gpu/mutation.rs`).

use super::{Case, TABLE_STEPS};
use crate::kernels::definition::Kernel;

/// 2^127, the largest power of two in f32.
const HUGE: f64 = 1.7014118346046923e38;

fn position(names: impl IntoIterator<Item = &'static str>, name: &str) -> Option<usize> {
    names.into_iter().position(|n| n == name)
}

/// Numbers in x whose square or cube leaves the range of f32.
pub fn huge(kernel: Kernel, cases: &[Case]) -> Vec<Case> {
    let Some(x) = position(kernel.bindings.iter().map(|b| b.name), "x") else { return Vec::new() };
    let of = cases.iter().find(|c| c.values[x].len() > 1);
    let huge = |case: &mut Case| case.values[x][..2].copy_from_slice(&[HUGE, -HUGE]);
    of.map(|of| of.changed("2^127 and -2^127 in x", huge)).into_iter().collect()
}

/// A sample of weight 0 whose prediction (or what it is computed from) is NaN: its gradient is exactly 0.
pub fn padded_nan(kernel: Kernel, cases: &[Case]) -> Vec<Case> {
    let binding = |name: &str| position(kernel.bindings.iter().map(|b| b.name), name);
    let (pred, upstream) = (binding("pred").or(binding("x")), binding("upstream"));
    let stride = position(kernel.params.iter().copied(), "upstream_stride");
    let (Some(pred), Some(upstream), Some(stride)) = (pred, upstream, stride) else { return Vec::new() };
    let of = cases.iter().find(|c| c.args.size(0) > 1 && c.args.size(stride) > 0);
    let padded = |case: &mut Case| {
        case.values[pred][0] = f64::NAN;
        case.values[upstream][(TABLE_STEPS - 1) * case.args.size(stride)] = 0.0;
        case.with_nan = true;
    };
    of.map(|of| of.changed("NaN in a sample of weight 0", padded)).into_iter().collect()
}
