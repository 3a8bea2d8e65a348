//! The order of training rows that lie in a file: blocks in random order, rows in random order within a window.
//!
//! A block is what is read at once. The blocks' random order makes a sequence of rows; a window is a part of that sequence
//! that fits in memory, and its rows come in random order. Everything follows from rows, block, window, seed and epoch: not
//! from the number of threads, nor from when they run. Each window is drawn by itself, so that an epoch can go on at any of
//! them.

use super::rng::{Purpose, permutation_part, stream};

/// How a set of rows is shuffled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Rows of the set.
    pub rows: usize,
    /// Rows that are read at once.
    pub block: usize,
    /// Rows that are shuffled together: a multiple of the rows of a step.
    pub window: usize,
}

impl Windows {
    /// Blocks and windows of at most so many bytes, for rows of `row_bytes` and steps of `batch` rows.
    pub fn of_sizes(rows: usize, row_bytes: usize, batch: usize, block_bytes: u64, window_bytes: u64) -> Windows {
        let fit = |bytes: u64| usize::try_from(bytes / row_bytes.max(1) as u64).unwrap_or(usize::MAX);
        let batch = batch.max(1);
        Windows {
            rows,
            block: fit(block_bytes).clamp(1, rows.max(1)),
            window: (fit(window_bytes) / batch).max(1) * batch,
        }
    }

    /// The order of an epoch.
    pub fn epoch(self, seed: u64, epoch: u32) -> EpochWindows {
        let blocks = permutation_part(seed, stream(Purpose::Blocks, epoch), 0, self.rows.div_ceil(self.block));
        EpochWindows { windows: self, blocks, seed, epoch }
    }
}

/// The order of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochWindows {
    windows: Windows,
    blocks: Vec<u32>,
    seed: u64,
    epoch: u32,
}

/// Rows that are read together and trained on in another order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// First row and number of rows of each part of a block, in the order of the sequence.
    pub parts: Vec<(usize, usize)>,
    /// For each row of the sequence its place in the window.
    pub places: Vec<u32>,
}

impl EpochWindows {
    /// Number of windows; the last one may have fewer rows.
    pub fn count(&self) -> usize {
        self.windows.rows.div_ceil(self.windows.window)
    }

    /// Rows of a full window.
    pub fn window_rows(&self) -> usize {
        self.windows.window
    }

    /// The window `index`.
    pub fn window(&self, index: usize) -> Window {
        let Windows { rows, window, .. } = self.windows;
        let start = (index * window).min(rows);
        let end = (start + window).min(rows);
        let order = permutation_part(self.seed, stream(Purpose::Window, self.epoch), index as u32, end - start);
        let mut places = vec![0; order.len()];
        for (place, from) in order.iter().enumerate() {
            places[*from as usize] = place as u32;
        }
        Window { parts: self.parts(start, end), places }
    }

    /// The rows at `start..end` of the sequence.
    fn parts(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let Windows { rows, block, .. } = self.windows;
        // The last block of the file may be short, and stands anywhere in the sequence.
        let short = (self.blocks.len() * block - rows, self.blocks.len().saturating_sub(1) as u32);
        let short_at = self.blocks.iter().position(|b| *b == short.1).unwrap_or(0);
        let mut parts = Vec::new();
        let mut at = start;
        while at < end {
            // Behind the short block every block begins earlier by what it lacks.
            let short_end = (short_at + 1) * block - short.0;
            let index = if at < short_end { at / block } else { (at + short.0) / block };
            let first = index * block - if index > short_at { short.0 } else { 0 };
            let len = block - if index == short_at { short.0 } else { 0 };
            let take = (first + len).min(end) - at;
            parts.push((self.blocks[index] as usize * block + at - first, take));
            at += take;
        }
        parts
    }

    /// The rows of the window `index` in the order in which they are trained on.
    pub fn rows_of(&self, index: usize) -> Vec<u32> {
        let window = self.window(index);
        let mut rows = vec![0; window.places.len()];
        let sequence = window.parts.iter().flat_map(|(first, len)| *first..first + len);
        for (row, place) in sequence.zip(&window.places) {
            rows[*place as usize] = row as u32;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_comes_once_whatever_the_sizes() {
        for (rows, block, window) in [(1, 1, 1), (10, 3, 4), (100, 7, 32), (64, 8, 16), (50, 50, 8), (33, 1, 100)] {
            let order = Windows { rows, block, window }.epoch(5, 2);
            let mut all: Vec<u32> = (0..order.count()).flat_map(|w| order.rows_of(w)).collect();
            assert!(
                order.window(0).parts.iter().all(|(first, len)| *len > 0 && first / block == (first + len - 1) / block)
            );
            all.sort_unstable();
            assert_eq!(all, (0..rows as u32).collect::<Vec<_>>(), "{rows} {block} {window}");
        }
    }

    #[test]
    fn epochs_seeds_and_windows_differ() {
        let windows = Windows { rows: 4096, block: 64, window: 1024 };
        let first = windows.epoch(1, 0).rows_of(0);
        assert_eq!(first, windows.epoch(1, 0).rows_of(0));
        assert_ne!(first, windows.epoch(1, 1).rows_of(0));
        assert_ne!(first, windows.epoch(2, 0).rows_of(0));
        // Two windows are drawn apart: the same places would repeat the order within each.
        let order = windows.epoch(1, 0);
        assert_ne!(order.window(0).places, order.window(1).places);
        // A window mixes blocks from all over the file: 16 of 64, hardly ever from one quarter (4 (1/4)^16).
        let quarters = order.window(0).parts.iter().fold([0; 4], |mut q, (first, _)| {
            q[first / 1024] += 1;
            q
        });
        assert!(quarters.iter().filter(|q| **q > 0).count() > 1, "{quarters:?}");
    }

    #[test]
    fn sizes_become_rows() {
        let windows = Windows::of_sizes(1000, 400, 32, 4096, 40_000);
        assert_eq!(windows, Windows { rows: 1000, block: 10, window: 96 });
        // A row larger than a block, a batch larger than a window.
        assert_eq!(Windows::of_sizes(1000, 400, 32, 1, 1), Windows { rows: 1000, block: 1, window: 32 });
    }
}
