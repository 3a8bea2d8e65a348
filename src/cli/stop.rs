//! Stopping a run: by Ctrl-C, a signal or a key.

use super::out;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the user asked to stop, and whether there is anything to save.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    started: Arc<AtomicBool>,
}

impl Stop {
    /// Asks the run to stop at the next opportunity, with everything saved. Ends the process where there is nothing to save
    /// yet, and when asked a second time: whoever does that does not want to wait for the save.
    pub fn ask(&self) {
        if self.asked.swap(true, Ordering::Relaxed) {
            at_once("");
        }
        if !self.started.load(Ordering::Relaxed) {
            at_once("stopped before training began");
        }
    }

    /// True once the user asked.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Says that there is a run now: from here on a stop saves it. Until then the data are read and digested, which may take
    /// minutes and leaves nothing behind.
    pub fn started(&self) {
        self.started.store(true, Ordering::Relaxed);
    }
}

/// Ends the process as an interrupt does: 128 + SIGINT.
fn at_once(words: &str) -> ! {
    #[cfg(feature = "tui")]
    super::dashboard::leave();
    if !words.is_empty() {
        out::words(words);
    }
    std::process::exit(130)
}
