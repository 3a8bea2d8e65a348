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
        let (mut parts, mut before) = (Vec::new(), 0);
        for number in &self.blocks {
            // The last block of the file may be short, and stands anywhere in the sequence.
            let first = *number as usize * block;
            let len = block.min(rows - first);
            let taken = start.max(before)..end.min(before + len);
            if !taken.is_empty() {
                parts.push((first + taken.start - before, taken.len()));
            }
            before += len;
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
