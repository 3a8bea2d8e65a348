//! `wgrad report`

use super::{args, out};
use crate::nn::weights::write_atomically;
use crate::report::compare::Comparison;
use crate::report::{RunReport, html};
use crate::train::run_folder::RunFolder;
use std::path::PathBuf;

/// The page of several runs, where nobody says another name.
const COMPARISON: &str = "comparison.html";

pub fn run(args: args::Report) -> anyhow::Result<()> {
    let named = |dir: &PathBuf| {
        // The last part of the folder's path; a folder such as `.` is named in full.
        let name = dir.file_name().unwrap_or(dir.as_os_str()).to_string_lossy().into_owned();
        anyhow::Ok((name, RunFolder::open(dir)?.latest_report()?))
    };
    let runs: Vec<(String, RunReport)> = args.runs.iter().map(named).collect::<anyhow::Result<_>>()?;
    let (page, path) = match (&runs[..], &args.runs[..]) {
        ([(_, report)], [dir]) => (html::render(report), dir.join("report.html")),
        _ => (html::compare(&runs), COMPARISON.into()),
    };
    let path = args.out.unwrap_or(path);
    write_atomically(&path, page.as_bytes())?;
    out::say!("wrote {}", path.display());
    let comparison = Comparison::of(&runs);
    out::json_or_text(&args.json, &comparison, || text(&comparison))
}

/// A line a run, and a line a key in which the specs differ.
fn text(comparison: &Comparison) -> String {
    let width = comparison.runs.iter().map(|r| r.name.chars().count()).max().unwrap_or(0).max(3) + 2;
    let mut text = format!("{:<width$}{:>7}{:>13}{:>17}{:>12}", "run", "epochs", "loss", "validation loss", "accuracy");
    let number = |v: Option<f64>| v.map_or_else(|| "none".to_string(), |v| format!("{v:.6}"));
    for run in &comparison.runs {
        let accuracy = run.validation_accuracy.map_or_else(|| "none".to_string(), out::percent);
        text.push_str(&format!(
            "\n{:<width$}{:>7}{:>13}{:>17}{accuracy:>12}",
            run.name,
            run.epochs,
            number(run.train_loss),
            number(run.validation_loss)
        ));
    }
    if !comparison.differences.is_empty() {
        text.push('\n');
    }
    for difference in &comparison.differences {
        let values: Vec<&str> = difference.values.iter().map(|v| v.as_deref().unwrap_or("none")).collect();
        text.push_str(&format!("\n{}: {}", difference.key, values.join(" | ")));
    }
    text
}
