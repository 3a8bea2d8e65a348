//! Samples that are got ready by threads while the device works.
//!
//! The pieces of an epoch are dealt to the threads in turn and taken from them in the same turn, so that neither their
//! number nor their haste changes anything. A thread has one piece ready at most: with `n` threads there are `n + 1` pieces
//! in memory, whose vectors go round.

use crate::error::{Error, Result};
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
    next: usize,
    end: usize,
    first: usize,
}

struct Lane<P> {
    full: Option<Receiver<Result<P>>>,
    thread: Option<JoinHandle<()>>,
}

impl<P: Clone + Send + 'static> Feed<P> {
    /// A feed of the pieces `pieces`, on `threads` threads. Nothing is filled in vain but what is ready when it is dropped.
    pub fn new(pieces: std::ops::Range<usize>, threads: usize, blank: &P, fill: &Arc<Fill<P>>) -> Feed<P> {
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
            Lane { full: Some(full), thread: Some(thread) }
        });
        Feed { lanes: lanes.collect(), empty: Some(empty), next: pieces.start, end: pieces.end, first: pieces.start }
    }

    /// The next piece, or `None` after the last. Waits until it is ready.
    ///
    /// # Errors
    /// What the filling failed with.
    pub fn take(&mut self) -> Result<Option<P>> {
        if self.next == self.end {
            return Ok(None);
        }
        let lane = &self.lanes[(self.next - self.first) % self.lanes.len()];
        let full = lane.full.as_ref().and_then(|full| full.recv().ok());
        self.next += 1;
        full.ok_or_else(|| Error::Internal("a thread that gets samples ready has ended early".into()))?.map(Some)
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
        for lane in &mut self.lanes {
            // A thread that waits to hand out a piece learns that nobody takes it.
            lane.full = None;
            if let Some(thread) = lane.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, RowTargets, TargetRule};
    use crate::graph::Loss;

    fn blank() -> Dataset<f32> {
        Dataset::blank(1, Some(TargetRule { loss: Loss::cross_entropy(), outputs: 1 }))
    }

    fn taken(feed: &mut Feed<Dataset<f32>>) -> Result<Vec<f32>> {
        let mut all = Vec::new();
        while let Some(rows) = feed.take()? {
            all.extend_from_slice(&rows.x);
            feed.give_back(rows);
        }
        Ok(all)
    }

    #[test]
    fn pieces_come_in_order_on_any_number_of_threads() {
        let fill: Arc<Fill<Dataset<f32>>> = Arc::new(|piece, rows: &mut Dataset<f32>| {
            // The earlier a piece, the longer it takes.
            std::thread::sleep(std::time::Duration::from_millis(9 - piece as u64));
            rows.put(0, &[piece as f32], RowTargets::Classes(&[0]));
            Ok(())
        });
        for threads in [1, 2, 4, 20] {
            let mut feed = Feed::new(2..9, threads, &blank(), &fill);
            assert_eq!(taken(&mut feed).unwrap(), [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
            assert!(feed.take().unwrap().is_none());
        }
        assert!(taken(&mut Feed::new(3..3, 2, &blank(), &fill)).unwrap().is_empty());
    }

    #[test]
    fn a_failure_comes_in_its_turn_and_a_feed_may_be_dropped_at_any_time() {
        let fill: Arc<Fill<Dataset<f32>>> = Arc::new(|piece, rows: &mut Dataset<f32>| {
            rows.put(0, &[piece as f32], RowTargets::Classes(&[0]));
            if piece == 3 { Err(Error::Internal("three".into())) } else { Ok(()) }
        });
        let mut feed = Feed::new(0..1000, 2, &blank(), &fill);
        for piece in 0..3 {
            let rows = feed.take().unwrap().unwrap();
            assert_eq!(rows.x, [piece as f32]);
            feed.give_back(rows);
        }
        assert!(feed.take().unwrap_err().to_string().contains("three"));
        drop(feed);
        drop(Feed::new(0..1000, 4, &blank(), &fill));
    }
}
