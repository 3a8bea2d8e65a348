//! Cases made of one special operand among ordinary ones. Each was added because a shader with one small mistake passed
//! all the others (`tests/gpu/mutation.rs`).

use super::{Case, TABLE_STEPS};
use crate::kernels::{Engine, Kernel};
use crate::plan::Limits;

/// 2^127, the largest power of two in f32.
const HUGE: f64 = 1.7014118346046923e38;
/// Slice of k that passes through workgroup memory (`shaders/lib/matmul_tile.wgsl`).
const SLICE: usize = 16;

/// The corners of `kernel`, made from its ordinary cases.
pub fn corners(kernel: Kernel, cases: &[Case]) -> Vec<Case> {
    let names: Vec<&str> = kernel.bindings.iter().map(|b| b.name).collect();
    let position = |name: &str| names.iter().position(|n| *n == name);
    let mut corners = Vec::new();
    match (position("x"), position("upstream")) {
        // The sum of such squares leaves the range of f32 itself; the norm is then infinite, in PyTorch too.
        _ if kernel == Kernel::square_sum => {}
        (Some(x), _) if kernel.params.first() == Some(&"n") && position("y").or(position("dx")).is_some() => {
            corners.extend(cases.iter().find(|c| c.values[x].len() > 1).map(|c| huge(c, x)));
        }
        (_, Some(upstream)) => {
            let at = kernel.params.iter().position(|p| *p == "upstream_stride").unwrap_or_default();
            let rows = |c: &&Case| c.args.size(0) > 1 && c.args.size(at) > 0;
            let pred = position("pred").or(position("x")).unwrap_or(upstream);
            corners.extend(cases.iter().find(rows).map(|c| padded_nan(c, pred, upstream, c.args.size(at))));
        }
        _ => {}
    }
    if kernel == Kernel::find_nonfinite {
        corners.extend(cases.iter().filter(|c| !c.with_nan).flat_map(infinities));
    }
    if kernel.is_product() {
        corners.extend(Engine::ALL.into_iter().flat_map(|engine| past_the_slice(kernel, engine, cases)));
    }
    corners
}

/// An infinity at either end, each sign once; the largest numbers, which are none; and NaN behind the end, in the same word.
fn infinities(of: &Case) -> Vec<Case> {
    let (n, words) = (of.args.size(0), of.values[0].len());
    let with = |what: &str, at: usize, value: f64| {
        let mut case = of.clone();
        case.values[0][at] = value;
        case.name = format!("{}, {what}", of.name);
        case
    };
    let mut cases = vec![
        with("infinity first", 0, f64::INFINITY),
        with("-infinity last", n - 1, f64::NEG_INFINITY),
        with("the largest number last", n - 1, f64::from(f32::MAX)),
    ];
    if words > n {
        cases.push(Case { with_nan: true, ..with("NaN behind the end", n, f64::NAN) });
    }
    cases
}

/// Numbers whose square or cube leaves the range of f32.
fn huge(of: &Case, x: usize) -> Case {
    let mut case = of.clone();
    case.values[x][0] = HUGE;
    case.values[x][1] = -HUGE;
    case.name = format!("{}, 2^127 and -2^127 in x", of.name);
    case
}

/// A sample of weight 0 whose prediction (or what it is computed from) is NaN: its gradient is exactly 0.
fn padded_nan(of: &Case, pred: usize, upstream: usize, stride: usize) -> Case {
    let mut case = of.clone();
    case.values[pred][0] = f64::NAN;
    case.values[upstream][(TABLE_STEPS - 1) * stride] = 0.0;
    case.with_nan = true;
    case.name = format!("{}, NaN in a sample of weight 0", of.name);
    case
}

/// NaN right behind the first row of an operand that is stored along k: a slice that reads on past k takes it in, and a
/// zero on the other side does not make it good.
fn past_the_slice(kernel: Kernel, engine: Engine, cases: &[Case]) -> Vec<Case> {
    let groups = Limits::WEBGPU.max_compute_workgroups_per_dimension;
    let fits = |c: &&Case| {
        let [m, n, k] = c.args.sizes();
        let slice = if engine == Engine::Tile { SLICE } else { 4 };
        let here = Engine::of(&c.args) == engine && c.args.constant("DIRECT") == 0.0 && c.groups_a_dimension == groups;
        here && m > 1 && n > 1 && !k.is_multiple_of(slice) && !c.with_nan
    };
    // a is stored along k unless it is transposed, b if it is; the fused kernels fix both.
    let weights = matches!(kernel.name, "matmul_col_sum" | "gather_matmul_col_sum");
    let a_along_k = |c: &Case| !weights && c.args.constant("TRANS_A") == 0.0;
    let b_along_k = |c: &Case| match kernel.name {
        "matmul" => c.args.constant("TRANS_B") == 1.0,
        _ => matches!(kernel.name, "matmul_bias_act" | "gather_matmul_bias_act"),
    };
    let plant = |of: &Case, binding: usize| {
        let mut case = of.clone();
        let [_, _, k] = of.args.sizes();
        case.values[binding][k] = f64::NAN;
        case.with_nan = true;
        case.name = format!("{}, NaN behind the first row of {}", of.name, kernel.bindings[binding].name);
        case
    };
    // Behind `step` and the index table, where there is one.
    let first = if kernel.gathers() { 2 } else { 0 };
    let a = cases.iter().filter(fits).find(|c| a_along_k(c)).map(|c| plant(c, first));
    let b = cases.iter().filter(fits).find(|c| b_along_k(c)).map(|c| plant(c, first + 1));
    a.into_iter().chain(b).collect()
}
