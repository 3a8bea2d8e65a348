//! The command line. The only room that prints: words and progress to stderr, results to stdout.
//!
//! Exit codes: 0 good, 1 a check failed (verification, a loss that is no number), 2 could not run.

mod args;
mod bench;
mod convert;
#[cfg(feature = "tui")]
pub mod dashboard;
mod devices;
mod forward;
mod inject;
mod matrix;
mod new;
pub mod out;
mod plan;
mod progress;
pub mod remedies;
mod replay;
mod report;
mod samples;
mod shell;
mod stop;
mod train;
mod tune;
mod verify;
mod weights;

use crate::error::Error;
use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// A check failed.
const CHECK_FAILED: u8 = 1;
/// The program could not run.
const COULD_NOT_RUN: u8 = 2;

/// Parses the command line, runs the command and turns its result into an exit code.
pub fn main() -> ExitCode {
    crate::bench::process::mark_start();
    start_log();
    spare_from_signals();
    // clap itself leaves with code 2 and a usage message for a command line that it cannot parse.
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(CHECK_FAILED),
        Err(error) => tell(&error),
    }
}

/// Runs one command; false says that a check failed.
fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Verify(args) => return verify::run(args),
        Command::Gradcheck(args) => return verify::finite_differences(args),
        Command::Devices(args) => return devices::run(args),
        Command::Replay(args) => return replay::run(args),
        Command::Bench(args) => return bench::run(args),
        Command::New(args) => new::run(args),
        Command::Train(args) => train::run(args),
        Command::Eval(args) => forward::evaluate(args),
        Command::Predict(args) => forward::predict(args),
        Command::Init(args) => weights::init(args),
        Command::Grad(args) => weights::gradients(args),
        Command::Convert(args) => convert::run(args),
        Command::Report(args) => report::run(args),
        Command::Digest(args) => weights::digest(args),
        Command::Plan(args) => plan::run(args),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { out } => shell::man(&out),
        Command::Tune(args) => tune::run(args),
    }?;
    Ok(true)
}

/// Says what went wrong, and with which exit code the program ends for it.
fn tell(error: &anyhow::Error) -> ExitCode {
    if out::is_closed_pipe(error) {
        // Whoever read our output has seen enough; that is no fault.
        return ExitCode::SUCCESS;
    }
    let known = error.downcast_ref::<Error>();
    // The library's messages contain their cause; printing the chain would say it twice.
    let message = match known {
        Some(known) => remedies::with_options(&format!("error: {known}")),
        None => format!("error: {error:#}"),
    };
    out::words(&out::printable(&message));
    let failed = matches!(known, Some(Error::NonFinite { .. }));
    ExitCode::from(if failed { CHECK_FAILED } else { COULD_NOT_RUN })
}

/// A file that reaches the size that its user may write (`ulimit -f`) comes with a signal that ends the program; the failed
/// write is told instead.
fn spare_from_signals() {
    #[cfg(unix)]
    if let Err(e) = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Default::default()) {
        log::debug!("SIGXFSZ keeps its default: {e}");
    }
}

/// The log goes to stderr; `WGRAD_LOG` filters it as `RUST_LOG` would (`WGRAD_LOG=wgrad=debug`).
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WGRAD_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error,wgrad=warn"));
    // Where stderr is full or closed there is nobody to tell, of that least of all.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    log.without_time().init();
}
