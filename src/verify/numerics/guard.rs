//! Which of the kernels' guards this adapter needs, from what was measured on it.

use super::accuracy::Accuracy;
use super::special::Special;
use serde::Serialize;

/// A guard of the kernels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guard {
    /// What the kernels do.
    pub guard: &'static str,
    /// Instead of what.
    pub instead_of: &'static str,
    /// True if this adapter needs it.
    pub needed: bool,
    /// The measurements that say so, or that it does without.
    pub why: String,
}

/// The guard, the expression it replaces, the measured operation, and the special values that would have to agree.
const GUARDS: &[(&str, &str, Option<&str>, &[&str])] = &[
    (
        "tanh_safe",
        "tanh(x)",
        Some("tanh(x)"),
        &["tanh(45)", "tanh(89)", "tanh(-89)", "tanh(1e4)", "tanh(inf)", "tanh(NaN)"],
    ),
    ("exp_safe", "exp(x)", Some("exp(x)"), &["exp(-1000)", "exp(-inf)", "exp(NaN)"]),
    ("log_safe", "log(x)", Some("log(x)"), &["log(inf)", "log(NaN)"]),
    ("log1p_safe", "log(1.0 + x)", Some("log(1.0 + x)"), &[]),
    ("sigmoid by sign", "1/(1 + exp(-x))", Some("1/(1 + exp(-x))"), &["1/(1 + exp(1000))"]),
    ("NaN by bits", "x != x", None, &["NaN != NaN", "!(NaN == NaN)"]),
    ("finite by bits", "abs(x) <= MAX", None, &["abs(NaN) <= MAX", "abs(inf) <= MAX"]),
];

/// Judges every guard.
pub fn guards(accuracy: &[Accuracy], specials: &[Special]) -> Vec<Guard> {
    let mut guards: Vec<Guard> = GUARDS.iter().map(|row| guard(row, accuracy, specials)).collect();
    guards.push(nan_through_relu(specials));
    guards
}

fn guard(
    &(guard, instead_of, operation, values): &(&'static str, &'static str, Option<&'static str>, &[&str]),
    accuracy: &[Accuracy],
    specials: &[Special],
) -> Guard {
    let mut faults = Vec::new();
    let mut passes = Vec::new();
    let row = operation.and_then(|name| accuracy.iter().find(|a| a.operation == name));
    if let Some((row, held)) = row.and_then(|row| Some((row, row.wgrad.as_ref()?))) {
        let error = format!("error {}u, the bounds need {}", rounded(row.max_relative_u), held.allowed);
        if held.kept { passes.push(error) } else { faults.push(error) }
    }
    for special in specials.iter().filter(|s| values.contains(&s.expression)) {
        let text = format!("{} = {}", special.expression, special.found);
        if special.agrees { passes.push(text) } else { faults.push(text) }
    }
    let needed = !faults.is_empty();
    Guard { guard, instead_of, needed, why: if needed { faults } else { passes }.join("; ") }
}

/// relu selects instead of taking the maximum, so that a NaN is not turned into a zero.
fn nan_through_relu(specials: &[Special]) -> Guard {
    let maxima = || specials.iter().filter(|s| s.expression.starts_with("max("));
    let why: Vec<String> = maxima().map(|s| format!("{} = {}", s.expression, s.found)).collect();
    let needed = maxima().any(|s| s.found != "NaN");
    Guard { guard: "relu by select", instead_of: "max(x, 0)", needed, why: why.join("; ") }
}

/// A figure with two digits after the point where it is small, in powers of ten where it is large.
pub fn rounded(x: f64) -> String {
    if x < 1e4 { format!("{x:.2}") } else { format!("{x:.1e}") }
}
