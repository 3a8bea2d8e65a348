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

fn check_against(what: &str, need_bytes: u128, free_bytes: Option<u64>) -> Result<()> {
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
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    available(&text)
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_free_is_refused_with_both_sizes() {
        let free = available("MemTotal:  4194304 kB\nMemAvailable:    2097152 kB\n");
        assert_eq!(free, Some(2 << 30));
        assert!(check_against("it", 2 << 30, free).is_ok());
        let message = check_against("it", (2 << 30) + 1, free).map_err(|e| e.to_string());
        assert!(message.is_err_and(|m| m.contains("2.0 GiB are free")));
        assert!(check_against("it", u128::MAX, None).is_ok());
        assert_eq!(available("MemAvailable: much\n"), None);
    }
}
