//! `wgrad train`

use super::progress::Printer;
use super::{args, dump, out};
use crate::error::Error;
use crate::model::disk::SystemDisk;
use crate::report::{Outcome, RunReport, Times};
use crate::spec::Spec;
use crate::train::run::{Job, Place, train};
use crate::train::run_folder::RunFolder;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub fn run(args: args::Train) -> anyhow::Result<bool> {
    let job = job(&args)?;
    for warning in job.spec.warnings() {
        out::words(&format!("warning: {warning}"));
    }
    let device = args.device.open()?;
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
    let mut printer = Printer::new(stop, args.resume.clone().unwrap_or_default());
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

fn job(args: &args::Train) -> anyhow::Result<Job> {
    let switches = args.switches.parse()?;
    let disk = Arc::new(SystemDisk);
    let Some(dir) = &args.resume else {
        // clap has made sure that a spec is there when nothing is resumed.
        let path = args.spec.clone().unwrap_or_default();
        let mut spec = Spec::load(&path)?.with_absolute_paths()?;
        override_spec(&mut spec, args);
        let spec_name = file_name(&path);
        return Ok(Job { spec, spec_name, place: Place::New(args.run.clone()), switches, disk });
    };
    let folder = RunFolder::open(dir)?;
    let kept = folder.spec()?.with_absolute_paths()?;
    let mut spec = match &args.spec {
        Some(path) => Spec::load(path)?.with_absolute_paths()?,
        None => kept.clone(),
    };
    // The run may have been started with a --seed of its own.
    spec.train.seed = kept.train.seed;
    override_spec(&mut spec, args);
    let spec_name = folder.report().map_or_else(|| "spec.toml".to_string(), |r| r.spec_name);
    Ok(Job { spec, spec_name, place: Place::Resume(folder), switches, disk })
}

fn override_spec(spec: &mut Spec, args: &args::Train) {
    let train = &mut spec.train;
    train.epochs = args.epochs.map_or(train.epochs, |epochs| epochs as usize);
    train.seed = args.seed.unwrap_or(train.seed);
    train.checkpoint.steps = args.checkpoint_steps.map_or(train.checkpoint.steps, |steps| steps as usize);
    train.checkpoint.minutes = args.checkpoint_minutes.unwrap_or(train.checkpoint.minutes);
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
    text.push_str(&format!("\ndigest               {}", report.digest));
    text.push_str(&format!("\nreport               {}", folder.join("report.html").display()));
    if report.outcome == Outcome::Interrupted {
        text.push_str(&format!("\ngo on with           wgrad train --resume {}", folder.display()));
    }
    text
}
