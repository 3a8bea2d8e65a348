//! Negative controls of verification, on the adapter: the train step with one broken shader. `verify` must fail, name the
//! broken node first, and say of everything downstream from where it has the fault.

use crate::support::adapter;
use crate::support::subject;

use subject::Subject;
use wgrad::exec::Device;
use wgrad::graph::Optimizer;
use wgrad::kernels::{Kernel, Tiling};
use wgrad::testing::exec::gpu::adapter::GpuDevice;
use wgrad::verify::{Row, Verdict, report, verify};

const MOMENTUM: Optimizer = Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 };

/// A broken shader: what is broken, the kernel, its text and the replacement.
type Broken = (&'static str, Kernel, &'static str, &'static str);

const FUSED: [Broken; 14] = [
    ("gradient of the loss negated", Kernel::cross_entropy, "given));\n", "-given));\n"),
    ("transposed weight", Kernel::matmul_bias_act, "TRANS_B: bool = true", "TRANS_B: bool = false"),
    ("bias left out", Kernel::matmul_bias_act, "sum + b[word_at(col)]", "sum"),
    (
        "last row left out",
        Kernel::matmul_bias_act,
        "row < params.m && col < params.n",
        "row + 1u < params.m && col < params.n",
    ),
    ("z not kept", Kernel::matmul_bias_act, "if (KEEP_Z)", "if (false)"),
    ("derivative left out", Kernel::matmul_act_grad, " * derivative_word(saved[at])", ""),
    ("swapped inputs", Kernel::matmul, "return a[i];", "return b[i];"),
    ("zeroed output", Kernel::matmul, "y[at] = sum;", "y[at] = Word();"),
    ("off-by-one tail", Kernel::col_sum, "last; row++", "last - 1u; row++"),
    ("wrong rows", Kernel::gather_rows, "let row = index", "let row = 0u * index"),
    (
        "wrong rows in a product",
        Kernel::gather_matmul_bias_act,
        "return index[first_index + i];",
        "return index[first_index];",
    ),
    ("NaN", Kernel::cross_entropy, "let whole = 1.0 + below_top;", "let whole = loss_nan();"),
    ("mean without the first samples", Kernel::weighted_sum, "var i = local;", "var i = local + 1u;"),
    ("stale velocity", Kernel::sgd_momentum_step, "velocity[i] = next.velocity;", ""),
];

const ADAM: [Broken; 2] = [
    ("stale first moment", Kernel::adam_step, "m[i] = element.m;", ""),
    (
        "epsilon inside the root",
        Kernel::adam_step,
        "mul_add_word(root_word(next.v), Word(h.inv_sqrt_bias2), Word(c.eps))",
        "(root_word(next.v) * (h.inv_sqrt_bias2 + c.eps) + 0.01)",
    ),
];

fn judged(device: &Device, subject: &Subject, unfused: bool) -> Verdict {
    pollster::block_on(verify(&subject.question(2, unfused), device)).unwrap()
}

fn with(device: &Device, (what, kernel, from, to): Broken) -> Device {
    let Some(gpu) = device.is::<GpuDevice>() else { panic!("{} is no adapter", device.name()) };
    // A product is broken in every tiling that it may run on.
    let tilings = if kernel.tilings { &Tiling::ALL[..] } else { &Tiling::ALL[..1] };
    let broken = tilings.iter().fold(gpu.clone(), |gpu, tiling| {
        let source = kernel.source_with(*tiling);
        assert_eq!(source.matches(from).count(), 1, "{what}: {from:?} in {} with {tiling:?}", kernel.name);
        gpu.with_shader(kernel, *tiling, &source.replace(from, to))
    });
    Device::new(broken)
}

/// Every row that fails does so by itself because its kernel is the broken one, or has the fault from an operand that
/// fails too. Gives how many inherited it.
fn assert_explained(verdict: &Verdict, (what, kernel, ..): Broken) -> usize {
    let rows = &verdict.steps[0].rows;
    let failed = |name: &str| rows.iter().any(|r| r.name == name && !r.passed());
    let mut inherited = 0;
    for row in rows.iter().filter(|r| !r.passed()) {
        if let Some(from) = row.inherited_from.as_deref() {
            assert!(failed(from) && row.operands.iter().any(|o| o == from), "{what}: {} from {from}", row.name);
            assert!(row.fault().unwrap_or_default().contains(&format!("inherited from {from}")));
            inherited += 1;
        } else {
            assert!(!row.local.passed, "{what}: {} fails and nobody knows why", row.name);
            assert_eq!(row.kernel, kernel.name, "{what}: {} is no broken kernel's", row.name);
        }
    }
    inherited
}

fn check(device: &Device, subject: &Subject, broken: Broken, unfused: bool) {
    let (what, kernel, ..) = broken;
    let verdict = judged(&with(device, broken), subject, unfused);
    assert!(!verdict.passed, "{what} in {} passed", kernel.name);
    let (step, row): (usize, &Row) = verdict.first_fault().unwrap();
    assert_eq!((step, row.kernel.as_str()), (1, kernel.name), "{what}: {} is named first", row.name);
    assert!(!row.local.passed);
    // Nothing that comes before the broken node is blamed.
    let before = verdict.steps[0].rows.iter().take_while(|r| r.name != row.name);
    assert!(before.into_iter().all(Row::passed), "{what}: a node before {} fails", row.name);
    let inherited = assert_explained(&verdict, broken);
    println!("{what} ({}): {} named, {inherited} values inherit it", kernel.name, row.name);
    let text = report::text(&verdict);
    assert!(text.contains(&format!("the first node at fault is {} (kernel {})", row.name, kernel.name)), "{text}");
    let last = matches!(kernel.name, "sgd_momentum_step" | "adam_step" | "weighted_sum");
    assert!(last || inherited > 0, "{what}: nothing inherits the fault");
}

#[test]
fn a_broken_kernel_is_named_and_what_follows_from_it_inherits() {
    let Some(device) = adapter::adapter() else { return };
    for (optimizer, list) in [(MOMENTUM, &FUSED[..]), (Optimizer::adam(0.01), &ADAM)] {
        let subject = Subject::new(optimizer, 4);
        for unfused in [false, true] {
            let verdict = judged(device, &subject, unfused);
            assert!(verdict.passed, "control: {}", report::text(&verdict));
            let used = |k: Kernel| verdict.steps[0].rows.iter().any(|r| r.kernel == k.name);
            for broken in list.iter().filter(|b| used(b.1)) {
                check(device, &subject, *broken, unfused);
            }
        }
    }
}
