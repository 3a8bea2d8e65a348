//! Negative controls of verification, on the CPU: what the device held is altered before it is judged. Each control is
//! tried on every value of the train step, and each must fail and name the value that was altered.

use crate::support::subject;

use std::collections::BTreeMap;
use std::process::Command;
use subject::Subject;
use wgrad::compare::{Worst, compare};
use wgrad::exec::Device;
use wgrad::graph::Optimizer;
use wgrad::plan::{Plan, Range};
use wgrad::verify::{Observed, Verdict, report, verify, verify_altered};

/// The step that is altered: the first one has no step before it that could be stale.
const STEP: usize = 2;
/// An alteration that changes no element by more than this part of the largest is none: it may lie within the bound.
const VISIBLE: f64 = 1e-3;

fn optimizers() -> [Optimizer; 3] {
    [
        Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 },
        Optimizer::adam(0.01),
        Optimizer::adamw(0.01),
    ]
}

fn clean(subject: &Subject, unfused: bool) -> Verdict {
    pollster::block_on(verify(&subject.question(STEP, unfused), &Device::cpu())).unwrap()
}

fn altered(subject: &Subject, unfused: bool, mut alter: impl FnMut(Observed<'_>)) -> Verdict {
    let question = subject.question(STEP, unfused);
    pollster::block_on(verify_altered(&question, &Device::cpu(), &mut alter)).unwrap()
}

fn at(arenas: &[Vec<f64>], range: Range) -> &[f64] {
    &arenas[range.arena][range.offset..range.offset + range.len]
}

fn at_mut(arenas: &mut [Vec<f64>], range: Range) -> &mut [f64] {
    &mut arenas[range.arena][range.offset..range.offset + range.len]
}

/// Fails, names `name` as the first node at fault, and says so in every output.
fn assert_named(verdict: &Verdict, name: &str, control: &str) {
    assert!(!verdict.passed, "{control} of {name} passed");
    let (step, row) = verdict.first_fault().unwrap();
    assert_eq!((step, row.name.as_str()), (STEP, name), "{control} of {name}: another node is named");
    assert!(!row.local.passed, "{control} of {name} is no local fault");
    let named = format!("the first node at fault is {name} (");
    assert!(report::text(verdict).contains(&named) && report::markdown(verdict).contains(&named));
    assert!(report::junit(verdict).contains(&format!("name=\"{name}\"><failure")), "{control} of {name} in JUnit");
}

/// One value as the device held it before and after the step, with the element that is closest to its bound.
struct Held<'a> {
    after: &'a mut [f64],
    before: &'a [f64],
    shape: &'a [usize],
    worst: Worst,
}

/// Alters a value; false where the control does not apply to it.
type Control = fn(&mut Held<'_>) -> bool;

const CONTROLS: [(&str, Control); 9] = [
    ("nudged by 4 bounds", |h| {
        // A copy has the bound 0: any difference is too much.
        let nudge = if h.worst.bound > 0.0 { 4.0 * h.worst.bound } else { 1e-6 };
        h.after[h.worst.index] = h.worst.expected + nudge;
        true
    }),
    ("one NaN", |h| set(h, 0, f64::NAN)),
    ("one infinity", |h| set(h, h.after.len() - 1, f64::INFINITY)),
    ("zeroed", |h| visibly(h, |v, _, _| v.fill(0.0))),
    ("stale", |h| visibly(h, |v, before, _| v.copy_from_slice(before))),
    ("stale tail", |h| visibly(h, |v, before, _| v[v.len() - 1] = before[v.len() - 1])),
    ("shifted by one", |h| visibly(h, |v, _, _| v.rotate_right(1))),
    ("negated", |h| visibly(h, |v, _, _| v.iter_mut().for_each(|v| *v = -*v))),
    ("transposed", |h| {
        visibly(h, |v, _, shape| {
            if let [rows, cols] = *shape {
                let old = v.to_vec();
                (0..v.len()).for_each(|i| v[i % cols * rows + i / cols] = old[i]);
            }
        })
    }),
];

fn set(held: &mut Held<'_>, i: usize, value: f64) -> bool {
    held.after[i] = value;
    true
}

fn visibly(held: &mut Held<'_>, change: impl FnOnce(&mut [f64], &[f64], &[usize])) -> bool {
    let old = held.after.to_vec();
    change(held.after, held.before, held.shape);
    let size = old.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    old.iter().zip(held.after.iter()).any(|(a, b)| (a - b).abs() > VISIBLE * size)
}

#[test]
fn every_control_fails_on_every_value_and_names_it() {
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let mut values = 0;
    for (i, optimizer) in optimizers().into_iter().enumerate() {
        let subject = Subject::new(optimizer, i as u64);
        for unfused in [false, true] {
            let verdict = clean(&subject, unfused);
            assert!(verdict.passed, "{}", report::text(&verdict));
            for row in &verdict.steps[STEP - 1].rows {
                values += 1;
                for (name, control) in CONTROLS {
                    let mut applies = false;
                    let verdict = altered(&subject, unfused, |o| {
                        if o.step == STEP {
                            let range = o.plan.buffers.iter().find(|b| b.name == row.name).unwrap().range;
                            let before = at(o.before, range).to_vec();
                            let after = at_mut(o.after, range);
                            let worst = row.local.worst.unwrap();
                            applies = control(&mut Held { after, before: &before, shape: &row.local.shape, worst });
                        }
                    });
                    if applies {
                        *tried.entry(name).or_default() += 1;
                        assert_named(&verdict, &row.name, name);
                    }
                }
            }
        }
    }
    println!("{values} values; {tried:?}");
    for (name, _) in CONTROLS {
        let least = if name == "transposed" { values / 4 } else { values * 3 / 4 };
        assert!(tried[name] >= least, "{name} was tried on {} of {values} values only", tried[name]);
    }
}

/// Takes the last sample's term out of every gradient that is a sum over the samples; gives the names.
fn drop_last_term(plan: &Plan, after: &mut [Vec<f64>], only: usize) -> Option<String> {
    let dispatch = &plan.dispatches[only];
    let sizes = &dispatch.args;
    let range = *dispatch.bindings.last()?;
    match dispatch.kernel.name {
        "col_sum" => {
            let (rows, cols) = (sizes.size(0), sizes.size(1));
            let x = at(after, dispatch.bindings[0])[(rows - 1) * cols..].to_vec();
            at_mut(after, range).iter_mut().zip(x).for_each(|(y, x)| *y -= x);
        }
        "matmul" if sizes.constant("TRANS_A") == 1.0 => {
            let [m, n, k] = sizes.sizes();
            let a = at(after, dispatch.bindings[0])[(k - 1) * m..].to_vec();
            let b = at(after, dispatch.bindings[1])[(k - 1) * n..].to_vec();
            at_mut(after, range).iter_mut().enumerate().for_each(|(i, y)| *y -= a[i / n] * b[i % n]);
        }
        _ => return None,
    }
    plan.buffers.iter().find(|b| b.range == range).map(|b| b.name.clone())
}

#[test]
fn a_gradient_without_the_last_sample_fails() {
    let subject = Subject::new(Optimizer::sgd(0.1), 0);
    // Unfused, each gradient is a dispatch of its own.
    let dispatches = clean(&subject, true).steps[0].rows.iter().map(|r| r.dispatch).max().unwrap();
    let mut named = Vec::new();
    for dispatch in 0..dispatches {
        let mut name = None;
        let verdict = altered(&subject, true, |o| {
            if o.step == STEP {
                name = drop_last_term(o.plan, o.after, dispatch);
            }
        });
        if let Some(name) = name {
            assert_named(&verdict, &name, "a missing term");
            named.push(name);
        }
    }
    named.sort();
    let all: Vec<String> = (0..3).flat_map(|l| ["bias", "weight"].map(|p| format!("grad.layers.{l}.{p}"))).collect();
    assert_eq!(named, all);
}

#[test]
fn two_values_in_each_others_place_fail() {
    for pair in ["bias", "weight"] {
        let subject = Subject::new(Optimizer::sgd(0.1), 1);
        let names = match pair {
            "bias" => ["grad.layers.0.bias", "grad.layers.1.bias"],
            _ => ["grad.layers.1.weight", "layers.1.weight"],
        };
        let verdict = altered(&subject, false, |o| {
            if o.step == STEP {
                let [a, b] = names.map(|n| o.plan.buffer(n).unwrap().range);
                let (old_a, old_b) = (at(o.after, a).to_vec(), at(o.after, b).to_vec());
                at_mut(o.after, a).copy_from_slice(&old_b);
                at_mut(o.after, b).copy_from_slice(&old_a);
            }
        });
        let (step, row) = verdict.first_fault().unwrap();
        assert!(!verdict.passed && step == STEP && names.contains(&row.name.as_str()), "{}", row.name);
        let failed = |n: &str| verdict.steps[STEP - 1].rows.iter().any(|r| r.name == n && !r.local.passed);
        assert!(names.iter().all(|n| failed(n)));
    }
}

/// A device that is consistent with itself and started from other parameters, or trained on other samples: every local
/// comparison passes, the total one must not.
#[test]
fn another_start_and_other_data_fail_in_total() {
    let subject = Subject::new(Optimizer::sgd(0.1), 2);
    let mut other_start = Subject::new(Optimizer::sgd(0.1), 2);
    other_start.parameters[0].values[3] += 1e-3;
    let mut other_data = Subject::new(Optimizer::sgd(0.1), 2);
    other_data.data.x.iter_mut().for_each(|v| *v += 1e-3);
    for (other, what) in [(other_start, "start"), (other_data, "data")] {
        let mut held = Vec::new();
        altered(&other, false, |o| held.push((o.before.to_vec(), o.after.to_vec())));
        let mut told = held.into_iter();
        let verdict = altered(&subject, false, |o| {
            let (before, after) = told.next().unwrap();
            o.before.clone_from_slice(&before);
            o.after.clone_from_slice(&after);
        });
        let (step, row) = verdict.first_fault().unwrap_or_else(|| panic!("another {what} passed"));
        assert_eq!(step, 1, "another {what}");
        assert!(row.local.passed && !row.total.passed, "another {what}: {}", row.name);
    }
}

/// The comparator itself, where the judge's inputs are of the wrong size or the bound is no number.
#[test]
fn missing_elements_and_bounds_that_are_no_numbers_fail() {
    assert!(compare("t", &[2], &[1.0, 2.0], &[1.0, 2.0], &[0.0; 2]).passed);
    for (found, bound) in [
        (&[1.0][..], &[1.0, 1.0][..]),
        (&[1.0, 2.0, 3.0], &[1.0, 1.0]),
        (&[1.0, 2.0], &[1.0]),
        (&[1.0, 2.0], &[1.0, f64::NAN]),
        (&[1.0, 2.0], &[1.0, -1.0]),
        (&[1.0, f64::NEG_INFINITY], &[1.0, f64::INFINITY]),
    ] {
        assert!(!compare("t", &[2], &[1.0, 2.0], found, bound).passed, "{found:?} within {bound:?}");
    }
}

#[test]
fn the_program_exits_with_1_when_a_value_lies_outside_its_bound() {
    let run = |slack: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command.args(["verify", "examples/iris.toml", "--device", "cpu", "--slack", slack]).output().unwrap()
    };
    let (good, bad) = (run("1"), run("1e-9"));
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stderr));
    assert_eq!(bad.status.code(), Some(1), "{}", String::from_utf8_lossy(&bad.stderr));
    let text = String::from_utf8_lossy(&bad.stdout);
    assert!(text.contains("FAILED: ") && text.contains("the first node at fault is"), "{text}");
}
