//! What the adapter's arithmetic does, measured; and that the measurement sees what is wrong.

use crate::support::adapter;

use std::sync::OnceLock;
use wgrad::exec::Choice;
use wgrad::testing::exec::gpu::adapter::{GpuDevice, Selection, select};
use wgrad::testing::verify::numerics::litmus::{EXCHANGE, PERMUTE, exchange, permutations};
use wgrad::testing::verify::numerics::{Accuracy, Special, arithmetic, measure, operations_wgsl, text};

/// Samples of each operation.
const SAMPLES: usize = 1 << 16;

/// The adapter named by WGRAD_ADAPTER; without one the test is skipped, or fails where a GPU is required.
#[track_caller]
fn gpu() -> Option<&'static GpuDevice> {
    static GPU: OnceLock<Option<GpuDevice>> = OnceLock::new();
    let open = || {
        let Some(name) = adapter::named() else {
            assert!(!adapter::required(), "WGRAD_REQUIRE_GPU=1, but WGRAD_ADAPTER names no adapter");
            return None;
        };
        match pollster::block_on(select(&Choice::Adapter(name), true)).unwrap() {
            Selection::Adapter(adapter) => {
                Some(pollster::block_on(adapter.open_with(wgpu::Features::SUBGROUP)).unwrap())
            }
            Selection::Cpu(reason) => panic!("{reason}"),
        }
    };
    let gpu = GPU.get_or_init(open).as_ref();
    if gpu.is_none() {
        adapter::skipped("WGRAD_ADAPTER names no adapter to test");
    }
    gpu
}

fn row<'a>(rows: &'a [Accuracy], name: &str) -> &'a Accuracy {
    rows.iter().find(|r| r.operation == name).unwrap_or_else(|| panic!("no operation {name}"))
}

fn kept(row: &Accuracy) -> bool {
    row.wgrad.as_ref().unwrap().kept
}

#[test]
fn what_the_kernels_rely_on_holds() {
    let Some(gpu) = gpu() else { return };
    let numerics = pollster::block_on(measure(gpu)).unwrap();
    assert_eq!(numerics.first_fault(), None, "\n{}", text(&numerics));
    assert!(numerics.passed);
    for row in &numerics.accuracy {
        // At most one sample in a hundred overflows or underflows; otherwise the range is not the one that is claimed.
        assert!(row.samples * 100 >= 99 * SAMPLES, "{}: {} samples", row.operation, row.samples);
        // No operation here is exact: an error of zero would say that the device's results were not looked at.
        assert!(row.max_ulp > 0.25, "{}: {} ULP", row.operation, row.max_ulp);
    }
    for name in ["a + b", "a - b", "a * b"] {
        assert_eq!(row(&numerics.accuracy, name).not_nearest, Some(0), "{name}");
    }
    for c in &numerics.contraction {
        // Of 4,096 products fewer than one in a thousand fits an f32.
        assert!(c.fused + c.separate + c.neither > 4000, "{c:?}");
        assert_eq!(c.neither, 0, "{c:?}");
    }
    assert_eq!((numerics.visibility.len(), numerics.limits.len(), numerics.guards.len()), (3, 8, 8));
    // log(1 + x) cannot be right for a small x whatever log is: the rounding of the sum loses it.
    assert!(numerics.guards.iter().any(|g| g.guard == "log1p_safe" && g.needed));
}

/// Changes to the probe's text, each with the rows or special values that must fail.
const BROKEN: &[(&str, &str, &[&str])] = &[
    ("mul_add(q, r, 0.1666652)", "mul_add(q, r, 0.1667)", &["exp_safe(x)", "sigmoid(x)", "normal_cdf(x)"]),
    ("const LN2_LO: f32 = -2.12194440e-4", "const LN2_LO: f32 = -2.13e-4", &["exp_safe(x)", "log_safe(x)"]),
    ("mul_add(q, z, 0.3333321)", "mul_add(q, z, 0.3334)", &["log_safe(x)", "log1p_safe(x)"]),
    ("mul_add(q, z, -0.3333328)", "mul_add(q, z, -0.3334)", &["tanh_safe(x)"]),
    ("abs(x) <= 0.625", "abs(x) <= 0.9", &["tanh_safe(x)"]),
    ("mul_add(p, t, 0.43829942)", "mul_add(p, t, 0.4384)", &["normal_cdf(x)"]),
    (
        "return quotient(select(e, 1.0, x >= 0.0), 1.0 + e)",
        "return quotient(1.0, 1.0 + e)",
        &["sigmoid(x)", "sigmoid(-1000)"],
    ),
    ("> 0x7f800000u", ">= 0x7f800000u", &["is_nan_bits(inf)"]),
    ("return select(x, 0.0, x <= 0.0)", "return select(0.0, x, x > 0.0)", &["relu(NaN)"]),
    ("return p + q;", "return (p + q) * 1.0000001;", &["a + b"]),
    ("return p / q;", "return p * (1.0 / q) * 1.0000004;", &["a / b"]),
    ("return p * q + r;", "return p * q * 1.0000002 + r;", &["a * b + c"]),
    ("return sqrt(x)", "return sqrt(x) * 1.000001", &["sqrt(x)"]),
];

#[test]
fn a_worse_function_is_found_out() {
    let Some(gpu) = gpu() else { return };
    let source = operations_wgsl();
    for (from, to, expected) in BROKEN {
        assert_eq!(source.matches(from).count(), 1, "{from} is not in the shader once");
        let (rows, _, specials) = pollster::block_on(arithmetic(gpu, &source.replace(from, to))).unwrap();
        let failed = |name: &str| match specials.iter().find(|s: &&Special| s.expression == name) {
            Some(special) => special.relied_on && !special.agrees,
            None => !kept(row(&rows, name)),
        };
        for name in *expected {
            assert!(failed(name), "{from} -> {to}: {name} passed");
        }
    }
}

/// A division by a product with the reciprocal keeps 2.5 ULP and is not the nearest number: both are seen.
#[test]
fn a_division_within_its_allowance_passes() {
    let Some(gpu) = gpu() else { return };
    let text = operations_wgsl().replace("return p / q;", "return p * (1.0 / q);");
    let (rows, _, _) = pollster::block_on(arithmetic(gpu, &text)).unwrap();
    let division = row(&rows, "a / b");
    assert!(kept(division) && division.not_nearest.unwrap() > 0, "{division:?}");
}

#[test]
fn the_litmus_tests_can_fail() {
    let Some(gpu) = gpu() else { return };
    let broken = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in the shader");
        text.replace(from, to)
    };
    let held = |text: &str| pollster::block_on(exchange(gpu, text, 64)).unwrap().1;
    assert!(held(EXCHANGE));
    assert!(!held(&broken(EXCHANGE, "slots[local] = word(group.x, round, local)", "slots[local] = 0u")));
    assert!(!held(&broken(EXCHANGE, "round, other));", "round, local));")));
    // A race may end well, so this is told and not asserted.
    let without = pollster::block_on(exchange(gpu, &broken(EXCHANGE, "workgroupBarrier();", ""), 64)).unwrap().0;
    eprintln!("without barriers: {without}");
    let held = |text: &str| pollster::block_on(permutations(gpu, text)).unwrap().1;
    assert!(held(PERMUTE));
    assert!(!held(&broken(PERMUTE, "+ 12345u", "+ 12346u")));
}
