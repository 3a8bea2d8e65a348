//! `wgrad verify --matrix`
//!
//! Every adapter is verified by a process of its own, one after another: drivers dislike a second device in one process,
//! and a driver that crashes or hangs then takes nothing with it but its own column.

use super::devices::{Adapter, adapters};
use super::{args, out};
use crate::verify::Verdict;
use crate::verify::matrix::{Entry, Matrix, markdown, text};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A process that takes longer is taken for a driver that hangs. Verification of one step takes under 10 s on a software
/// adapter; this leaves room for large models and many steps.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Between two looks at a process that is still running.
const LOOK: Duration = Duration::from_millis(5);
/// Letters of a process's words that are repeated in a message.
const WORDS: usize = 600;

pub fn run(args: &args::Verify) -> anyhow::Result<bool> {
    let adapters = adapters();
    if adapters.is_empty() {
        anyhow::ensure!(
            !args::requires_gpu(),
            "WGRAD_REQUIRE_GPU is set, but no GPU adapter was found. Install a Vulkan, Metal or DX12 driver, or unset it"
        );
        out::words("no GPU adapter was found; the matrix has the CPU alone");
    }
    let mut entries = vec![entry(args, "cpu", "cpu (f32)", &["--device", "cpu"])?];
    // The CPU meets neither driver nor limit: if it cannot run, the question itself is wrong, and so it is for all.
    if let (Err(why), true) = (&entries[0].outcome, entries.len() == 1) {
        anyhow::bail!("{why}");
    }
    for Adapter { index, name, .. } in &adapters {
        let index = index.to_string();
        entries.push(entry(args, &index, name, &["--adapter", &index])?);
    }
    let matrix = Matrix::new(&entries, args.slack);
    if let Some(target) = &args.markdown {
        out::file(target, &markdown(&matrix))?;
    }
    out::json_or_text(&args.json, &matrix, || text(&matrix))?;
    Ok(matrix.passed)
}

/// Verifies one device in a process of its own.
fn entry(args: &args::Verify, label: &str, name: &str, device: &[&str]) -> anyhow::Result<Entry> {
    out::say!("verifying {label}: {name}");
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("verify").args(device).args(["--json", "-", "--steps", &args.steps.to_string()]);
    command.args(["--slack", &args.slack.to_string()]);
    if args.unfused {
        command.arg("--unfused");
    }
    command.args(args.ways.switches.without.iter().flat_map(|name| ["--without", name]));
    command.arg("--").arg(&args.subject).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let outcome = verdict(&mut command)?.and_then(|verdict| {
        // Indices are by the driver list; a driver that comes or goes between two processes would shift them.
        if verdict.device == name { Ok(verdict) } else { Err(format!("the process found {} there", verdict.device)) }
    });
    Ok(Entry { label: label.into(), name: name.into(), outcome })
}

/// Runs the process to its end. The inner result says why there is no verdict.
fn verdict(command: &mut Command) -> anyhow::Result<Result<Verdict, String>> {
    let mut child = command.spawn()?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if start.elapsed() > PATIENCE => {
                child.kill()?;
                child.wait()?;
                return Ok(Err(format!("it did not finish within {} minutes", PATIENCE.as_secs() / 60)));
            }
            None => std::thread::sleep(LOOK),
        }
    };
    let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
    Ok(serde_json::from_slice(&stdout).map_err(|_| {
        let words = String::from_utf8_lossy(&stderr);
        let words = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        format!("{status}: {}", words.trim().chars().take(WORDS).collect::<String>())
    }))
}

/// Reads a pipe to its end on a thread, so that a process with much to say is not held up by the other pipe.
fn collect(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before a broken pipe is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
