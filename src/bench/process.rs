//! What concerns the process as a whole: when it began, and the most memory it held.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

static START: OnceLock<Instant> = OnceLock::new();

/// Marks the start of the process; the first call counts. The program calls it before anything else.
pub fn mark_start() {
    START.get_or_init(Instant::now);
}

/// Time since [`mark_start`].
pub fn since_start() -> Duration {
    START.get_or_init(Instant::now).elapsed()
}

/// The most memory that the process ever held in RAM, in MiB, where the system tells (`VmHWM` of Linux).
pub fn peak_rss_mib() -> Option<f64> {
    high_water_mib(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// [`peak_rss_mib`] in what Linux says of a process.
pub fn high_water_mib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
