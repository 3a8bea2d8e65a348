//! Random specs on the adapter that `WGRAD_ADAPTER` names, against the CPU in f64; and broken shaders, which must be found
//! and shrunk.

use crate::support::adapter;
use crate::support::fuzz;

use adapter::adapter;
use fuzz::{Case, case_count, property, run};
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::kernels::{Kernel, Tiling};
use wgrad::testing::exec::gpu::adapter::GpuDevice;

/// A case builds its pipelines: some hundredths of a second on llvmpipe, a third of one on SwiftShader.
const CASES: u32 = 25;
/// Cases of the long run.
const SOAK: u32 = 10_000;
/// Cases in which a broken shader must be found.
const CONTROL: u32 = 400;

#[test]
fn random_specs_agree() {
    let Some(device) = adapter() else { return };
    property(device, case_count(CASES));
}

/// `WGRAD_ADAPTER=llvmpipe cargo test --release --test gpu fuzz::soak -- --ignored --nocapture`
#[test]
#[ignore = "takes an hour"]
fn soak() {
    let Some(device) = adapter() else { return };
    property(device, case_count(SOAK));
}

/// The device with `from` replaced by `to` in a kernel's shader.
fn broken(kernel: Kernel, from: &str, to: &str) -> Option<Device> {
    let device = adapter()?;
    let gpu = device.is::<GpuDevice>()?;
    let text = gpu.shader(kernel, Tiling::Tile);
    assert_eq!(text.matches(from).count(), 1, "{kernel:?} has no single {from}");
    Some(Device::new(gpu.with_shader(kernel, Tiling::Tile, &text.replace(from, to))))
}

/// The minimal case that the fuzz finds among those that `keep` lets through.
#[track_caller]
fn found(device: &Device, keep: fn(&Case) -> bool) -> Case {
    let (case, reason) = match run(device, CONTROL, keep) {
        Ok(tally) => panic!("the broken shader was not found in {} cases", tally.cases),
        Err(found) => found,
    };
    assert!(reason.contains("FAILED"), "{reason}");
    *case
}

/// Control: the sign of a loss's gradient. Everything that does not matter is shrunk away.
#[test]
fn a_wrong_sign_is_found_and_shrunk() {
    let Some(device) = broken(Kernel::mae, "1.0, d > 0.0", "-1.0, d > 0.0") else { return };
    let case = found(&device, |case| case.loss == Loss::Mae);
    assert_eq!((case.layers.len(), case.rows, case.steps), (1, 1, 1), "{case:?}");
    assert!(case.inputs * case.layers[0].outputs <= 4, "{case:?}");
}

/// Control: a fault that shows only past the edge of a tile is shrunk to the first size past it.
#[test]
fn a_missing_tail_is_found_and_shrunk() {
    let from = "b[i % params.cols]";
    let Some(device) = broken(Kernel::add_bias, from, &format!("select({from}, 0.0, i % params.cols >= 32u)")) else {
        return;
    };
    let case = found(&device, |case| case.unfused);
    assert_eq!((case.layers.len(), case.layers[0].outputs, case.rows, case.steps), (1, 33, 1, 1), "{case:?}");
}

/// Control: the optimizer forgets its weight decay.
#[test]
fn a_missing_term_of_the_optimizer_is_found() {
    let Some(device) = broken(Kernel::sgd_step, "params.weight_decay", "0.0") else { return };
    let keep = |case: &Case| matches!(case.optimizer, Optimizer::Sgd { momentum: 0.0, .. });
    let case = found(&device, keep);
    assert!(matches!(case.optimizer, Optimizer::Sgd { weight_decay, .. } if weight_decay > 0.0), "{case:?}");
}

/// Control: a derivative that is wrong on one side of 0 only.
#[test]
fn a_wrong_branch_is_found() {
    let Some(device) = broken(Kernel::relu_grad, "derivative(x[i])", "select(0.0, 1.0, x[i] > -1.0)") else {
        return;
    };
    let case = found(&device, |case| case.layers.iter().any(|l| l.activation == Activation::Relu) && case.unfused);
    assert!(case.layers.iter().any(|l| l.activation == Activation::Relu), "{case:?}");
}
