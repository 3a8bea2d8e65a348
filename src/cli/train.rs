//! `wgrad train`

#[cfg(feature = "tui")]
use super::dashboard::Dashboard;
use super::inject::Faults;
use super::progress::Printer;
use super::stop::Stop;
use super::{args, out, plan};
use crate::error::{Error, Result};
use crate::exchange::tensorboard::EventLog;
use crate::exec::Device;
use crate::nn::disk::SystemDisk;
use crate::report::{EpochHistograms, EpochRecord, Metrics, Outcome, Recovery, RunReport, Times};
use crate::spec::{DataFile, Spec};
use crate::train::run::{Job, Observer, Place, Progress, train};
use crate::train::run_folder::RunFolder;
use crate::tune::Asked;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn run(args: args::Train) -> anyhow::Result<()> {
    let faults = Faults::from_environment()?;
    let job = job(&args, faults.lose_at.clone())?;
    for warning in job.spec.warnings() {
        out::say!("warning: {warning}");
    }
    let device = faults.apply(args.device.open()?);
    // A run that goes on keeps the tuning that it was begun with.
    let device = match (&args.resume, &args.ways.tuning) {
        (None, _) => args.ways.choose(device)?,
        (Some(_), Asked::Auto) => device,
        (Some(folder), _) => anyhow::bail!(
            "{}: a run keeps the ways of computing products that it was begun with. Leave out --tuning, or train a new run",
            folder.display()
        ),
    };
    plan::dump(&job.spec, &device, job.switches)?;
    let stop = Stop::default();
    let (asked, speaks) = (stop.clone(), !args.tui);
    ctrlc::set_handler(move || {
        asked.ask();
        if speaks {
            out::words("stopping at the next opportunity; once more to stop at once");
        }
    })?;
    let (started, seen) = if args.tui {
        with_dashboard(&args, &job, &device, stop)?
    } else {
        let mut printer = Printer::new(stop);
        let ended = followed(&args, &job, &device, &mut printer)?;
        printer.finish();
        ended
    };
    if let Err(Error::NonFinite { .. }) = started {
        out::say!("the last good checkpoint is kept in {}", seen.folder.display());
    }
    let report = started?;
    if !seen.has_trained {
        let before = epochs(report.epochs.len());
        out::words(&match &report.stopping {
            Some(stopping) if stopping.stopped => {
                format!("the run had stopped early after {before}; its end is reached")
            }
            _ => format!("the run had finished its {before} before; --epochs with a larger number trains on"),
        });
    }
    out::result(&summary(&report, &seen.folder))
}

/// What a command wants to know of a run when it has ended.
#[derive(Debug)]
struct Seen {
    /// The run's folder; empty before a new run has started.
    folder: PathBuf,
    /// False when there was nothing left to train.
    has_trained: bool,
}

/// Hands on what a run says, and takes notes.
struct Watchers<'a> {
    seen: Seen,
    shown: &'a mut dyn Observer,
    events: Option<EventLog>,
}

impl Watchers<'_> {
    /// Tells the event files, where there are any.
    fn events(&mut self, tell: impl FnOnce(&mut EventLog)) {
        let Some(events) = &mut self.events else { return };
        tell(events);
        // A log that cannot be written is told of once; the training is worth more.
        if let Some(failure) = events.take_failure() {
            self.events = None;
            self.shown.notice(&format!("{failure}; TensorBoard gets nothing more of this run"));
        }
    }
}

impl Observer for Watchers<'_> {
    fn started(&mut self, report: &RunReport, folder: &RunFolder) {
        self.seen.folder = folder.path().to_path_buf();
        self.shown.started(report, folder);
        self.events(|events| events.started(report, folder));
    }

    fn progress(&mut self, progress: &Progress) {
        self.seen.has_trained = true;
        self.shown.progress(progress);
        self.events(|events| events.progress(progress));
    }

    fn epoch(&mut self, record: &EpochRecord) {
        self.shown.epoch(record);
        self.events(|events| events.epoch(record));
    }

    fn histograms(&mut self, histograms: &EpochHistograms) {
        self.events(|events| events.histograms(histograms));
    }

    fn notice(&mut self, text: &str) {
        self.shown.notice(text);
    }

    fn device_lost(&mut self, recovery: &Recovery) {
        self.shown.device_lost(recovery);
        self.events(|events| events.device_lost(recovery));
    }

    fn checkpoint_written(&mut self, steps: u64) {
        self.shown.checkpoint_written(steps);
    }

    fn checkpoint_requested(&self) -> bool {
        self.shown.checkpoint_requested()
    }

    fn stop_requested(&self) -> bool {
        self.shown.stop_requested()
    }
}

/// How training ended, and what was seen of it.
type Ended = (Result<RunReport>, Seen);

/// Trains while `shown` shows it.
fn followed(args: &args::Train, job: &Job, device: &Device, shown: &mut dyn Observer) -> anyhow::Result<Ended> {
    let events = args.tensorboard.as_deref().map(EventLog::new).transpose()?;
    let seen = Seen { folder: args.resume.clone().unwrap_or_default(), has_trained: false };
    let mut watchers = Watchers { seen, shown, events };
    let result = pollster::block_on(train(job, device, &mut watchers));
    Ok((result, watchers.seen))
}

/// Trains with the dashboard.
#[cfg(feature = "tui")]
fn with_dashboard(args: &args::Train, job: &Job, device: &Device, stop: Stop) -> anyhow::Result<Ended> {
    let named = args.resume.as_ref().or(args.spec.as_ref()).map(|path| path.display().to_string());
    let mut dashboard = Dashboard::open(&out::printable(&named.unwrap_or_default()), stop)?;
    // Dropped at the end, which gives the terminal back before anything else is printed.
    followed(args, job, device, &mut dashboard)
}

#[cfg(not(feature = "tui"))]
fn with_dashboard(_: &args::Train, _: &Job, _: &Device, _: Stop) -> anyhow::Result<Ended> {
    anyhow::bail!("this wgrad was built without the feature `tui`. Leave --tui out, or build with `--features tui`")
}

/// The run that the options ask for: a new one, or one that goes on.
fn job(args: &args::Train, lose_at: Vec<u64>) -> anyhow::Result<Job> {
    let switches = args.ways.switches.parse()?;
    let disk = Arc::new(SystemDisk);
    let Some(dir) = &args.resume else {
        // clap has made sure that a spec is there when nothing is resumed.
        let path = args.spec.clone().unwrap_or_default();
        let mut spec = Spec::load(&path)?.with_absolute_paths()?;
        if let Some(from) = &args.init_from {
            let file = if from.is_dir() { from.join("model.safetensors") } else { from.clone() };
            spec.model.weights = Some(DataFile::at(&file));
            spec = spec.with_absolute_paths()?;
        }
        override_spec(&mut spec, args);
        let spec_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(Job { spec, spec_name, place: Place::New(args.run.clone()), switches, disk, lose_at });
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
    Ok(Job { spec, spec_name, place: Place::Resume(folder), switches, disk, lose_at })
}

/// What options say instead of the spec.
fn override_spec(spec: &mut Spec, args: &args::Train) {
    let train = &mut spec.train;
    train.epochs = args.epochs.map_or(train.epochs, |epochs| epochs as usize);
    train.seed = args.seed.unwrap_or(train.seed);
    train.checkpoint.steps = args.checkpoint_steps.map_or(train.checkpoint.steps, |steps| steps as usize);
    train.checkpoint.minutes = args.checkpoint_minutes.unwrap_or(train.checkpoint.minutes);
    spec.data.reading.skip_bad_rows = args.skip_bad_rows.unwrap_or(spec.data.reading.skip_bad_rows);
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
    let large = parts.iter().filter(|(_, part)| share(*part) >= 1.0);
    let named: Vec<String> = large.map(|(name, part)| format!("{name} {:.0} %", share(*part))).collect();
    format!("{:.2} s: {}", times.wall, named.join(", "))
}

/// What a run came to, for people.
fn summary(report: &RunReport, folder: &Path) -> String {
    let verb = if report.outcome == Outcome::Interrupted { "interrupted after" } else { "trained" };
    let mut text = format!("{verb} {} in {:.2} s", epochs(report.epochs.len()), report.train_seconds);
    if let Some(last) = report.epochs.last() {
        text.push_str(&format!("\nloss                 {:.6}", last.train_loss));
        text.extend(last.validation_loss.map(|loss| format!("\nvalidation loss      {loss:.6}")));
        text.extend(last.validation_accuracy.map(|share| format!("\nvalidation accuracy  {}", out::percent(share))));
        for (name, value, is_share) in last.metrics.iter().flat_map(Metrics::named) {
            text.push_str(&format!("\n{name:<20} {}", out::metric(value, is_share)));
        }
    }
    text.extend(report.stopping.iter().map(|stopping| format!("\nearly stopping       {}", stopping.sentence())));
    if report.skipped_rows > 0 {
        text.push_str(&format!("\nbad rows skipped     {}", out::count(report.skipped_rows)));
    }
    text.push_str(&format!("\ntime                 {}", time(&report.times)));
    text.push_str(&format!("\nwaited for data      {:.1} %", 100.0 * report.times.data / report.times.wall.max(1e-9)));
    text.push_str(&format!("\ndigest               {}", report.digest));
    text.push_str(&format!("\nreport               {}", folder.join("report.html").display()));
    if report.outcome == Outcome::Interrupted {
        text.push_str(&format!("\ngo on with           wgrad train --resume {}", folder.display()));
    }
    text
}
