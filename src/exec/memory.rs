//! What the host's memory can hold, asked before anything large is made.

use crate::error::{Error, Result};

/// Refuses `need_bytes` of host memory for `what` where the system says that less is free. An allocation that fails
/// ends a process without a word, and one that succeeds by overcommitment makes the machine swap until it is killed.
/// Systems that do not tell how much is free refuse nothing.
///
/// # Errors
/// [`Error::Limit`] with both sizes.
pub fn check_host_memory(what: &str, need_bytes: u128) -> Result<()> {
    check_against(what, need_bytes, free_bytes())
}

/// The same, where `free_bytes` are free.
///
/// # Errors
/// As [`check_host_memory`].
pub fn check_against(what: &str, need_bytes: u128, free_bytes: Option<u64>) -> Result<()> {
    match free_bytes {
        Some(free) if need_bytes > u128::from(free) => Err(Error::Limit(format!(
            "the model is too large for this machine: {what} needs about {} of memory, but {} are free. Reduce the \
             layers' sizes or batch_size",
            gibibytes(need_bytes),
            gibibytes(u128::from(free))
        ))),
        _ => Ok(()),
    }
}

/// A size for people.
pub fn gibibytes(bytes: u128) -> String {
    format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64)
}

/// `MemAvailable` of Linux, in bytes: what can be had without swapping. `None` where the system does not tell.
pub fn free_bytes() -> Option<u64> {
    available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// The line `MemAvailable` of the text of `/proc/meminfo`, in bytes.
pub fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
