//! `wgrad train`

use super::inject::Faults;
use super::progress::Printer;
use super::{args, dump, out};
use crate::error::Error;
use crate::report::{Outcome, RunReport, Times};
use crate::spec::Spec;
use crate::train::run::{Job, Place, train};
use crate::train::run_folder::RunFolder;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub fn run(args: args::Train) -> anyhow::Result<bool> {
    let faults = Faults::from_environment()?;
    let job = job(&args, faults.lose_at.clone())?;
    for warning in job.spec.warnings() {
        out::words(&format!("warning: {warning}"));
    }
    let device = faults.apply(args.device.open()?);
    dump::spec(&job.spec, &device, job.switches)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            // Asked a second time: whoever asks does not want to wait for the save.
            std::process::exit(130);
        }
        out::words("stopping at the next opportunity; once more to stop at once");
    })?;
    let mut printer = Printer::new(stop);
    let started = pollster::block_on(train(&job, &device, &mut printer));
    printer.finish();
    let report = match started {
        Ok(report) => report,
        Err(error @ Error::NonFinite { .. }) => {
            out::words(&format!("the last good checkpoint is kept in {}", printer.folder().display()));
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    if !printer.has_trained() {
        out::words(&format!(
            "the run had finished its {} before; --epochs with a larger number trains on",
            epochs(report.epochs.len())
        ));
    }
    out::result(&summary(&report, printer.folder()))?;
    Ok(true)
}

fn job(args: &args::Train, lose_at: Vec<u64>) -> anyhow::Result<Job> {
    let switches = args.switches.parse()?;
    let Some(dir) = &args.resume else {
        // clap has made sure that a spec is there when nothing is resumed.
        let path = args.spec.clone().unwrap_or_default();
        let mut spec = Spec::load(&path)?.with_absolute_paths()?;
        override_spec(&mut spec, args);
        let spec_name = file_name(&path);
        return Ok(Job { spec, spec_name, place: Place::New(args.run.clone()), switches, lose_at });
    };
    let folder = RunFolder::open(dir)?;
    let mut spec = folder.spec()?.with_absolute_paths()?;
    if let Some(path) = &args.spec {
        let given = Spec::load(path)?.with_absolute_paths()?;
        refuse_changed(&spec, &given, dir)?;
        spec.train.epochs = given.train.epochs;
    }
    override_spec(&mut spec, args);
    let name = folder.report().map_or_else(|| "spec.toml".to_string(), |r| r.spec_name);
    Ok(Job { spec, spec_name: name, place: Place::Resume(folder), switches, lose_at })
}

fn override_spec(spec: &mut Spec, args: &args::Train) {
    if let Some(epochs) = args.epochs {
        spec.train.epochs = epochs as usize;
    }
    if let Some(seed) = args.seed {
        spec.train.seed = seed;
    }
}

/// A resumed run must be the same run: only the number of epochs may differ.
fn refuse_changed(kept: &Spec, given: &Spec, dir: &Path) -> anyhow::Result<()> {
    let text = |spec: &Spec| {
        let mut spec = spec.clone();
        spec.train.epochs = kept.train.epochs;
        spec.train.seed = kept.train.seed;
        spec.to_toml()
    };
    let (kept_text, given_text) = (text(kept), text(given));
    let differing = kept_text.lines().zip(given_text.lines()).find(|(a, b)| a != b);
    if kept_text == given_text {
        return Ok(());
    }
    let (a, b) = differing.unwrap_or(("(fewer lines)", "(more lines)"));
    anyhow::bail!(
        "{}: the run was trained with another spec: it has `{a}`, the spec given has `{b}`. Resume without a spec, or \
         train a new run",
        dir.display()
    )
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn epochs(count: usize) -> String {
    if count == 1 { "1 epoch".to_string() } else { format!("{count} epochs") }
}

/// The parts that took a hundredth of the time or more, the longest first.
fn time(times: &Times) -> String {
    let mut parts = times.parts().to_vec();
    parts.push(("not accounted for", times.unaccounted()));
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let share = |part: f64| 100.0 * part / times.wall.max(1e-9);
    let named: Vec<String> = parts
        .iter()
        .filter(|(_, part)| share(*part) >= 1.0)
        .map(|(name, part)| format!("{name} {:.0} %", share(*part)))
        .collect();
    format!("{:.2} s: {}", times.wall, named.join(", "))
}

fn summary(report: &RunReport, folder: &Path) -> String {
    let mut text = match report.outcome {
        Outcome::Interrupted => format!("interrupted after {}", epochs(report.epochs.len())),
        _ => format!("trained {}", epochs(report.epochs.len())),
    };
    text.push_str(&format!(" in {:.2} s", report.train_seconds));
    if let Some(last) = report.epochs.last() {
        text.push_str(&format!("\nloss                 {:.6}", last.train_loss));
        if let Some(loss) = last.validation_loss {
            text.push_str(&format!("\nvalidation loss      {loss:.6}"));
        }
        if let Some(accuracy) = last.validation_accuracy {
            text.push_str(&format!("\nvalidation accuracy  {:.2} %", 100.0 * accuracy));
        }
    }
    text.push_str(&format!("\ntime                 {}", time(&report.times)));
    text.push_str(&format!("\nreport               {}", folder.join("report.html").display()));
    if report.outcome == Outcome::Interrupted {
        text.push_str(&format!("\ngo on with           wgrad train --resume {}", folder.display()));
    }
    text
}
