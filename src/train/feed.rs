//! Samples that are got ready by threads while the device works.
//!
//! The pieces of an epoch are dealt to the threads in turn and taken from them in the same turn, so that neither their
//! number nor their haste changes anything. A thread has one piece ready at most: with `n` threads there are `n + 1` pieces
//! in memory, whose vectors go round.

use crate::error::{Error, Result};
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Fills a piece, known by its number.
pub type Fill<P> = dyn Fn(usize, &mut P) -> Result<()> + Send + Sync;

/// Pieces in order, from threads that run ahead.
pub struct Feed<P> {
    lanes: Vec<Lane<P>>,
    /// Memory that is not in use goes back to the threads.
    empty: Option<Sender<P>>,
    /// Pieces that were not taken yet.
    left: Range<usize>,
    first: usize,
}

/// A thread, and where it hands out its pieces.
struct Lane<P> {
    full: Receiver<Result<P>>,
    thread: JoinHandle<()>,
}

impl<P: Clone + Send + 'static> Feed<P> {
    /// A feed of the pieces `pieces`, on `threads` threads. Nothing is filled in vain but what is ready when it is dropped.
    pub fn new(pieces: Range<usize>, threads: usize, blank: &P, fill: &Arc<Fill<P>>) -> Feed<P> {
        let threads = threads.clamp(1, pieces.len().max(1));
        let (empty, back) = channel();
        // Each thread holds one at most, and so does whoever takes them: nobody waits for ever.
        for _ in 0..=threads {
            let _ = empty.send(blank.clone());
        }
        let back = Arc::new(Mutex::new(back));
        let lanes = (0..threads).map(|i| {
            let (out, full) = sync_channel(0);
            let mine = (pieces.start + i..pieces.end).step_by(threads);
            let (fill, back) = (Arc::clone(fill), Arc::clone(&back));
            let thread = std::thread::spawn(move || run(mine, &out, &back, fill.as_ref()));
            Lane { full, thread }
        });
        Feed { lanes: lanes.collect(), empty: Some(empty), first: pieces.start, left: pieces }
    }

    /// The next piece, or `None` after the last. Waits until it is ready.
    ///
    /// # Errors
    /// What the filling failed with.
    pub fn take(&mut self) -> Result<Option<P>> {
        let Some(piece) = self.left.next() else { return Ok(None) };
        let full = self.lanes[(piece - self.first) % self.lanes.len()].full.recv();
        full.map_err(|_| Error::Internal("a thread that gets samples ready has ended early".into()))?.map(Some)
    }

    /// Hands back a piece, so that its memory is used again: before the next but one is asked for.
    pub fn give_back(&self, rows: P) {
        // Threads that have no more to fill need no memory.
        if let Some(empty) = &self.empty {
            let _ = empty.send(rows);
        }
    }
}

impl<P> Drop for Feed<P> {
    fn drop(&mut self) {
        self.empty = None;
        for Lane { full, thread } in self.lanes.drain(..) {
            // A thread that waits to hand out a piece learns that nobody takes it.
            drop(full);
            let _ = thread.join();
        }
    }
}

/// What a thread does: it fills its pieces in turn, each in memory that came back.
fn run<P>(pieces: impl Iterator<Item = usize>, out: &SyncSender<Result<P>>, back: &Mutex<Receiver<P>>, fill: &Fill<P>) {
    for piece in pieces {
        let empty = back.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut rows) = empty else { return };
        let result = fill(piece, &mut rows).map(|()| rows);
        let failed = result.is_err();
        if out.send(result).is_err() || failed {
            return;
        }
    }
}
