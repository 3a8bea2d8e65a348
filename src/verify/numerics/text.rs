//! The measurement for people.

use super::guard::rounded;
use super::special::number;
use super::{Accuracy, Finding, Held, Numerics, Worst};
use std::fmt::Write;

/// All tables.
pub fn text(n: &Numerics) -> String {
    let mut out = format!("{} ({}, {})\n", n.adapter, n.backend, n.driver);
    accuracy(&mut out, &n.accuracy);
    out.push_str("\nmultiply-add\n");
    for c in &n.contraction {
        let counts = format!("{} fused, {} not, {} neither", c.fused, c.separate, c.neither);
        let _ = writeln!(out, "  {:<20} {} ({counts})", c.expression, c.verdict());
    }
    specials(&mut out, n);
    findings(&mut out, "barriers and visibility", &n.visibility);
    findings(&mut out, "limits", &n.limits);
    out.push_str("\nguards of the kernels\n");
    for g in &n.guards {
        let needed = if g.needed { "needed" } else { "not needed" };
        let _ = writeln!(out, "  {:<16} for {:<16} {needed:<10}  {}", g.guard, g.instead_of, g.why);
    }
    out.push_str(&conclusion(n));
    out
}

fn accuracy(out: &mut String, rows: &[Accuracy]) {
    out.push_str(
        "\naccuracy: largest error over the range, in ULP, and relative to the result in u = 2^-24; error / what WGSL allows\n\
         and error / what wgrad's bounds assume (above 1 is outside); * marks what kernels use\n",
    );
    let head = ["", "ULP", "u", "WGSL allows", "ratio", "wgrad", "ratio"];
    table_row(out, head.map(str::to_string));
    for row in rows {
        let held = |h: &Option<Held>| match h {
            Some(h) => [h.allowed.to_string(), format!("{}{}", rounded(h.max_ratio), if h.kept { " " } else { "!" })],
            None => [String::new(), String::new()],
        };
        let ([wgsl, wgsl_ratio], [wgrad, wgrad_ratio]) = (held(&row.wgsl), held(&row.wgrad));
        let name = format!("{}{}", row.operation, if row.used { " *" } else { "" });
        let [ulp, u] = [row.max_ulp, row.max_relative_u].map(rounded);
        table_row(out, [name, ulp, u, wgsl, wgsl_ratio, wgrad, wgrad_ratio]);
    }
    for row in rows {
        match (&row.wgsl, &row.wgrad) {
            (Some(h), _) if !h.kept => outside(out, row.operation, "WGSL", h.worst),
            (_, Some(h)) if !h.kept => outside(out, row.operation, "wgrad's bounds", h.worst),
            _ => {}
        }
    }
    for (row, count) in rows.iter().filter_map(|r| r.not_nearest.map(|n| (r, n))) {
        let _ = match count {
            0 => writeln!(out, "  {}: the nearest number in all of {} samples", row.operation, row.samples),
            n => writeln!(out, "  {}: not the nearest number in {n} of {} samples", row.operation, row.samples),
        };
    }
}

fn table_row(out: &mut String, [name, ulp, u, wgsl, wgsl_ratio, wgrad, wgrad_ratio]: [String; 7]) {
    let _ = writeln!(out, "  {name:<17} {ulp:>8} {u:>8}  {wgsl:<29} {wgsl_ratio:>8}  {wgrad:<22} {wgrad_ratio:>8}");
}

/// Where an operation is furthest outside.
fn outside(out: &mut String, operation: &str, what: &str, worst: Option<Worst>) {
    let Some(w) = worst else { return };
    let operands: Vec<String> = w.operands.iter().map(|x| number(*x)).collect();
    // An operation of one operand has zeros for the others.
    let shown = if w.operands[1] == 0.0 { &operands[..1] } else { &operands[..] };
    let found = number(w.found);
    let _ = writeln!(out, "  {operation} outside {what} at {}: {found}, exact {:.9e}", shown.join(", "), w.exact);
}

fn specials(out: &mut String, n: &Numerics) {
    let (agree, differ): (Vec<_>, Vec<_>) = n.specials.iter().partition(|s| s.agrees);
    let _ = writeln!(out, "\nspecial values: {} of {} as IEEE 754 or as promised", agree.len(), n.specials.len());
    for s in differ {
        let mark = if s.relied_on { "  FAILED: kernels rely on it" } else { "" };
        let _ = writeln!(out, "  {:<24} is {:<12} not {}{mark}", s.expression, s.found, s.expected);
    }
    // What became of negative zeros.
    let zeros = n.specials.iter().filter(|s| s.expected == "-0").map(|s| format!("{} = {}", s.expression, s.found));
    let _ = writeln!(out, "  the sign of zero: {}", zeros.collect::<Vec<_>>().join(", "));
    out.push_str("  as expected:\n");
    let agree: Vec<&str> = agree.iter().map(|s| s.expression).collect();
    for line in agree.chunks(5) {
        let _ = writeln!(out, "    {}", line.join(",  "));
    }
}

fn findings(out: &mut String, title: &str, rows: &[Finding]) {
    let _ = writeln!(out, "\n{title}");
    for row in rows {
        let mark = if row.held { "ok" } else { "FAILED" };
        let _ = writeln!(out, "  {:<40} claimed {:<22} {:<44} {mark}", row.name, row.claimed, row.found);
    }
}

fn conclusion(n: &Numerics) -> String {
    let outside: Vec<&str> = n.outside_wgsl().collect();
    let wgsl = match outside.as_slice() {
        [] => "every measured operation is within what WGSL allows".to_string(),
        names => format!("outside what WGSL allows: {}", names.join(", ")),
    };
    let verdict = match n.first_fault() {
        None => "passed: everything that the kernels rely on holds".to_string(),
        Some(fault) => format!("FAILED: {fault}"),
    };
    format!("\n{wgsl}\n{verdict}\n")
}
