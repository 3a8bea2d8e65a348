//! The conformance check itself, on the device `cpu`: every kernel passes, and results that are wrong do not.

use std::collections::BTreeSet;
use wgrad::compare::Comparison;
use wgrad::exec::Device;
use wgrad::kernels::{Access, Dtype, Kernel, Measured};
use wgrad::testing::verify::kernels::{Case, cases, check_kernel, run};

/// The subgroup size that the cases of products are made for; the CPU has the same sums for every size.
const LANES: Option<u32> = Some(8);
const SEED: u64 = 21;

fn found_on_cpu(cases: &[Case]) -> Vec<Vec<Vec<f64>>> {
    pollster::block_on(run(&Device::cpu(), cases)).unwrap()
}

fn passed(outputs: &[Comparison]) -> bool {
    outputs.iter().all(|o| o.passed)
}

/// The small cases without NaN: what the controls tamper with.
fn small_cases(kernel: Kernel) -> Vec<Case> {
    let small = |c: &Case| !c.with_nan && c.values.iter().all(|v| v.len() < 20_000);
    cases(kernel, SEED, LANES).into_iter().filter(small).collect()
}

#[test]
fn every_kernel_lies_within_its_bound_on_the_cpu() {
    for &kernel in Kernel::ALL {
        let report = pollster::block_on(check_kernel(&Device::cpu(), kernel, SEED)).unwrap();
        println!("{:<22} {:>4} cases, error/bound {:.4}", report.kernel, report.cases.len(), report.max_ratio);
        assert!(report.passed, "{}: {:?}", report.kernel, report.first_fault());
    }
}

#[test]
fn the_judge_is_not_compared_with_itself() {
    // f32 rounds: over all kernels with a bound the errors cannot all be zero.
    let report = pollster::block_on(check_kernel(&Device::cpu(), Kernel::matmul, SEED)).unwrap();
    assert!(report.max_ratio > 1e-3, "the errors of f32 are missing: {}", report.max_ratio);
    let exact = pollster::block_on(check_kernel(&Device::cpu_f64(), Kernel::matmul, SEED)).unwrap();
    assert!(exact.max_ratio < 1e-6, "f64 against itself: {}", exact.max_ratio);
}

/// An operand that is 0 in all cases would hide what becomes of it, as means that were 0 hid their sign.
#[test]
fn no_operand_is_always_zero() {
    for &kernel in Kernel::ALL {
        let cases = cases(kernel, SEED, LANES);
        let bindings = kernel.bindings.iter().enumerate();
        // The losses' log is only written to, in the step's place.
        let read = bindings.filter(|(_, b)| b.access != Access::Write && b.dtype == Dtype::F32 && b.name != "log");
        for (i, binding) in read {
            let numbers = cases.iter().flat_map(|c| &c.values[i]).filter(|v| **v != 0.0 && v.is_finite());
            let distinct: BTreeSet<u64> = numbers.map(|v| v.to_bits()).take(1000).collect();
            assert!(distinct.len() > 1, "{}: {} is {distinct:?} in all cases", kernel.name, binding.name);
        }
    }
}

#[test]
fn every_kernel_has_a_folded_grid_and_some_need_one() {
    let mut many = Vec::new();
    for &kernel in Kernel::ALL {
        let cases = cases(kernel, SEED, LANES);
        let grid = |c: &Case| c.plan("p").dispatches[0].grid;
        let one_group = matches!(kernel.name, "weighted_sum" | "advance");
        assert_eq!(one_group, cases.iter().all(|c| grid(c)[1] == 1), "{}: no grid is folded", kernel.name);
        if cases.iter().any(|c| (kernel.groups)(&c.args) > 65_535) {
            many.push(kernel.name);
        }
        let nan = cases.iter().filter(|c| c.with_nan).count();
        let numbers = kernel.bindings.iter().any(|b| b.access != Access::Write && b.name != "step");
        assert!(nan > 0 || !numbers || kernel == Kernel::gather_rows, "{}: no operand is ever NaN", kernel.name);
    }
    for kernel in ["add", "matmul", "mse", "col_sum"] {
        assert!(many.contains(&kernel), "{kernel} has no case of more than 65,535 workgroups");
    }
}

/// Tampers with one output of `case` and says whether the comparison still passes.
fn passes_with(case: &Case, judged: &[Measured], found: &[Vec<f64>], tamper: impl Fn(&mut Vec<Vec<f64>>)) -> bool {
    let mut wrong = found.to_vec();
    tamper(&mut wrong);
    passed(&case.compare(judged, &wrong).outputs)
}

#[test]
fn a_nudge_by_four_bounds_and_a_nan_are_refused() {
    for &kernel in Kernel::ALL {
        let cases = small_cases(kernel);
        for (case, found) in cases.iter().zip(found_on_cpu(&cases)) {
            let judged = case.judge().unwrap();
            assert!(passed(&case.compare(&judged, &found).outputs), "{} {}", kernel.name, case.name);
            for output in 0..found.len() {
                let len = found[output].len();
                for i in [0, len / 2, len - 1] {
                    // A device's next number where the bound is finer than f32.
                    let bound = judged[output].error[i];
                    let ulp = f64::from((judged[output].value[i] as f32).next_up()) - judged[output].value[i];
                    let nudge = ulp.max(4.0 * bound);
                    let what = format!("{} {}: output {output}[{i}]", kernel.name, case.name);
                    let nudged = passes_with(case, &judged, &found, |w| w[output][i] = judged[output].value[i] + nudge);
                    assert!(!nudged, "{what} off by {nudge:e} passed");
                    assert!(!passes_with(case, &judged, &found, |w| w[output][i] = f64::NAN), "{what} NaN passed");
                }
                let short = |w: &mut Vec<Vec<f64>>| w[output].truncate(len - 1);
                assert!(!passes_with(case, &judged, &found, short), "{} one element short", kernel.name);
            }
        }
    }
}

#[test]
fn a_zeroed_and_an_unwritten_output_are_refused() {
    for &kernel in Kernel::ALL {
        let cases = small_cases(kernel);
        let mut tried = 0;
        for (case, found) in cases.iter().zip(found_on_cpu(&cases)) {
            let judged = case.judge().unwrap();
            for (output, binding) in case.written().enumerate() {
                let before = &case.values[binding];
                let value = &judged[output];
                let explained = |with: f64| value.value.iter().zip(&value.error).all(|(v, e)| (v - with).abs() <= *e);
                if !explained(0.0) {
                    tried += 1;
                    let zeroed = passes_with(case, &judged, &found, |w| w[output].fill(0.0));
                    assert!(!zeroed, "{} {}: a zeroed output {output} passed", kernel.name, case.name);
                }
                // A binding that the kernel is not to touch (z that is not kept) stays as it was.
                if before != &value.value {
                    let unwritten = passes_with(case, &judged, &found, |w| w[output].clone_from(before));
                    let moved = value.value.iter().zip(before).zip(&value.error).any(|((v, b), e)| (v - b).abs() > *e);
                    assert!(!unwritten || !moved, "{} {}: output {output} unwritten", kernel.name, case.name);
                }
            }
        }
        assert!(tried > 0, "{}: no output was zeroed", kernel.name);
    }
}

/// [rows, cols] to [cols, rows].
fn transposed(values: &[f64], rows: usize, cols: usize) -> Vec<f64> {
    (0..cols).flat_map(|c| (0..rows).map(move |r| values[r * cols + c])).collect()
}

#[test]
fn a_transposed_operand_swapped_inputs_and_a_skipped_tail_are_refused() {
    for kernel in [Kernel::matmul, Kernel::matmul_bias_act, Kernel::matmul_act_grad] {
        let right = small_cases(kernel);
        let judged: Vec<Vec<Measured>> = right.iter().map(|c| c.judge().unwrap()).collect();
        let sizes = |c: &Case| c.args.sizes::<3>();
        // Wrong operands, in cases where the sizes let them be mistaken for right ones.
        type Mistake = fn(&mut Case) -> bool;
        let mistakes: [(&str, Mistake); 4] = [
            ("a transposed", |c| {
                let [m, _, k] = c.args.sizes();
                c.values[0] = transposed(&c.values[0], m, k);
                m > 1 && k > 1
            }),
            ("b transposed", |c| {
                let [_, n, k] = c.args.sizes();
                c.values[1] = transposed(&c.values[1], n, k);
                n > 1 && k > 1
            }),
            ("inputs swapped", |c| {
                c.values.swap(0, 1);
                c.values[0] != c.values[1] && c.values[0].len() == c.values[1].len()
            }),
            ("last product skipped", |c| {
                let [m, _, k] = c.args.sizes();
                let trans = c.args.constant("TRANS_A") != 0.0;
                (0..m).for_each(|r| c.values[0][if trans { (k - 1) * m + r } else { r * k + k - 1 }] = 0.0);
                k > 1
            }),
        ];
        for (what, mistake) in mistakes {
            let mut refused = 0;
            for (case, judged) in right.iter().zip(&judged) {
                let mut wrong = case.clone();
                if !mistake(&mut wrong) {
                    continue;
                }
                let found = found_on_cpu(std::slice::from_ref(&wrong)).remove(0);
                refused += usize::from(!passed(&case.compare(judged, &found).outputs));
            }
            assert!(refused >= if what == "inputs swapped" { 1 } else { 4 }, "{}: {what}: {refused}", kernel.name);
        }
        for (case, judged) in right.iter().zip(&judged) {
            // The last column never written.
            let [m, n, _] = sizes(case);
            let mut found = found_on_cpu(std::slice::from_ref(case)).remove(0);
            let y = case.written().next().unwrap();
            (0..m).for_each(|r| found[0][r * n + n - 1] = case.values[y][r * n + n - 1]);
            assert!(!passed(&case.compare(judged, &found).outputs), "{} {}", kernel.name, case.name);
        }
    }
}

#[test]
fn a_nan_that_is_swallowed_is_refused_and_one_that_is_made_too() {
    for &kernel in Kernel::ALL {
        let cases: Vec<Case> = cases(kernel, SEED, LANES).into_iter().filter(|c| c.with_nan).collect();
        let mut shown = 0;
        for (case, found) in cases.iter().zip(found_on_cpu(&cases)) {
            let judged = case.judge().unwrap();
            for (output, value) in judged.iter().enumerate() {
                let Some(i) = value.value.iter().position(|v| v.is_nan()) else { continue };
                shown += 1;
                let swallowed = passes_with(case, &judged, &found, |w| w[output][i] = 0.0);
                assert!(!swallowed, "{} {}: a swallowed NaN passed", kernel.name, case.name);
                if let Some(i) = value.value.iter().position(|v| !v.is_nan()) {
                    let made = passes_with(case, &judged, &found, |w| w[output][i] = f64::NAN);
                    assert!(!made, "{} {}: a NaN out of nothing passed", kernel.name, case.name);
                }
            }
        }
        // relu' is 0 or 1 whatever x is, so that NaN shows in dy alone; indices and the counter have none, and the search
        // for NaN answers with a word.
        let none = matches!(kernel.name, "gather_rows" | "advance" | "find_nonfinite");
        assert_eq!(shown == 0, none, "{}: NaN shows in {shown} outputs", kernel.name);
    }
}

/// NaN in, NaN out: relu passes it, so that a run that diverges is seen; a comparison `x > 0` alone would hide it.
#[test]
fn relu_passes_nan() {
    let case = cases(Kernel::relu, SEED, LANES).into_iter().find(|c| c.with_nan).unwrap();
    let judged = case.judge().unwrap();
    let at = case.values[0].iter().position(|v| v.is_nan()).unwrap();
    assert!(judged[0].value[at].is_nan() && judged[0].value.iter().filter(|v| v.is_nan()).count() == 1);
}
