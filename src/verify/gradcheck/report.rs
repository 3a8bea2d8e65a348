//! The verdict for people.

use super::{TensorCheck, Verdict};
use crate::report::html::format::count;
use std::fmt::Write;

/// The table on the terminal.
pub fn text(verdict: &Verdict) -> String {
    let mut out = format!("loss {:.9} over {} samples, in f64\n", verdict.loss, verdict.rows);
    let _ = writeln!(
        out,
        "  {:<24} {:<12} {:<18} {:>7} {:>10} {:>10} {:>10} {:>12}",
        "", "shape", "checked", "kinks", "unresolved", "max abs", "max bound", "error/bound"
    );
    verdict.tensors.iter().for_each(|tensor| row(&mut out, tensor));
    let _ = write!(out, "{}", conclusion(verdict));
    out
}

fn row(out: &mut String, tensor: &TensorCheck) {
    let c = &tensor.comparison;
    let mark = if tensor.passed() { "ok" } else { "FAILED" };
    let shape = format!("{:?}", c.shape);
    let checked = format!("{} of {}", count(tensor.checked as u64), count(tensor.size as u64));
    let _ = writeln!(
        out,
        "  {:<24} {shape:<12} {checked:<18} {:>7} {:>10} {:>10.2e} {:>10.2e} {:>12.4} {mark}",
        c.name,
        count(tensor.kinks as u64),
        count(tensor.unresolved as u64),
        c.max_abs,
        tensor.largest_bound,
        c.max_ratio
    );
    if let Some(fault) = fault(tensor) {
        let _ = writeln!(out, "      {fault}");
    }
}

/// Why a tensor did not pass.
fn fault(tensor: &TensorCheck) -> Option<String> {
    match &tensor.comparison.fault {
        Some(fault) => Some(fault.clone()),
        None if tensor.checked == 0 => Some(format!(
            "none of {} elements could be checked: {} at kinks, {} unresolved. Move the parameters, or use other samples",
            count(tensor.sampled as u64),
            count(tensor.kinks as u64),
            count(tensor.unresolved as u64)
        )),
        None => None,
    }
}

fn conclusion(verdict: &Verdict) -> String {
    let sum = |of: fn(&TensorCheck) -> usize| count(verdict.tensors.iter().map(of).sum::<usize>() as u64);
    let counts = format!(
        "checked {} of {} gradients (up to {} a tensor, drawn with seed {}; left out: {} at kinks, {} unresolved)",
        sum(|t| t.checked),
        sum(|t| t.size),
        count(verdict.samples as u64),
        verdict.seed,
        sum(|t| t.kinks),
        sum(|t| t.unresolved)
    );
    let worst = verdict.tensors.iter().map(|t| t.comparison.max_ratio).fold(0.0, f64::max);
    match verdict.tensors.iter().find(|t| !t.passed()) {
        None => format!("passed: {counts}, largest error/bound {worst:.4}"),
        Some(t) => {
            format!(
                "FAILED: {counts}; {}: {}",
                t.comparison.name,
                fault(t).unwrap_or_else(|| "outside its bound".into())
            )
        }
    }
}
