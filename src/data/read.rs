//! Reading a source: chunks are parsed on several threads, rows come in the order of the file.

use super::block::Block;
use super::inputs::{Added, Inputs, skipped};
use super::source::{Chunk, Header, MAX_ROWS, Source};
use crate::error::{Error, Result};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Threads that parse, at most. More than these are faster than one thread can take rows in.
const PARSERS: usize = 8;

/// Malformed rows that are passed over, up to a number.
#[derive(Debug, Clone, Default)]
pub struct Tolerance {
    allowed: usize,
    count: usize,
    /// Rows with a missing value, which are passed over by rule.
    missing: usize,
    messages: Vec<String>,
}

impl Tolerance {
    /// Messages that are kept; the others are only counted.
    const KEPT: usize = 10;

    /// Passes over at most `allowed` rows.
    pub fn new(allowed: usize) -> Tolerance {
        Tolerance { allowed, ..Tolerance::default() }
    }

    /// Rows passed over.
    pub fn count(&self) -> usize {
        self.count + self.missing
    }

    /// Where the first of them are, and what is wrong with them.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// Passes over a row; by rule, as the spec says and without a limit, where a value is `missing`.
    ///
    /// # Errors
    /// The row's own error, when no more rows may be passed over.
    fn pass(&mut self, error: Error, missing: bool) -> Result<()> {
        if missing || self.count < self.allowed {
            *(if missing { &mut self.missing } else { &mut self.count }) += 1;
            if self.messages.len() < Self::KEPT {
                self.messages.push(error.to_string());
            }
            return Ok(());
        }
        match error {
            Error::Data { place, message } if self.allowed > 0 => Err(Error::data(
                place,
                format!(
                    "{message}. {} malformed rows were passed over before this one, as many as skip_bad_rows = {} allows",
                    self.count, self.allowed
                ),
            )),
            other => Err(other),
        }
    }
}

/// Why a row was not taken in.
pub enum Refusal {
    /// The row is malformed; the next one may be good.
    Row(Error),
    /// There is no going on.
    Stop(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Stop(error)
    }
}

/// Takes a row: its block, its place in the block, the numbers of its features.
pub type TakeRow<'a> = dyn FnMut(&Block, usize, &[f64]) -> Result<(), Refusal> + 'a;

/// A block with the numbers of its feature columns.
struct Parsed {
    block: Block,
    /// rows x features; a row that is not good has any numbers.
    x: Vec<f64>,
    /// Rows of the block that hold no finite numbers, and whether that is because a value is missing.
    bad: Vec<(usize, bool, Error)>,
}

/// Hands every row of `source` to `take`, in order: its block, its place in the block, the numbers of its features, which
/// `inputs` makes. Rows that cannot be used go to `tolerance`. Returns the number of rows taken, at least 1.
///
/// # Errors
/// [`Error::Data`] of the source, of a row too many, or of a file without rows; what `take` stops with.
pub fn read_rows(
    source: &mut dyn Source,
    inputs: &Inputs,
    tolerance: &mut Tolerance,
    take: &mut TakeRow<'_>,
) -> Result<u64> {
    let header = std::sync::Arc::clone(source.header());
    let mut rows = 0;
    each_parsed(source, inputs, &mut |mut parsed| {
        let mut faults = parsed.block.take_faults().into_iter().peekable();
        let mut bad = parsed.bad.into_iter().peekable();
        for row in 0..parsed.block.rows() {
            while let Some(fault) = faults.next_if(|f| f.before <= row) {
                tolerance.pass(fault.error, false)?;
            }
            if let Some((_, missing, error)) = bad.next_if(|(at, ..)| *at == row) {
                tolerance.pass(error, missing)?;
                continue;
            }
            match take(&parsed.block, row, &parsed.x[row * inputs.width()..][..inputs.width()]) {
                Ok(()) => rows += 1,
                Err(Refusal::Row(error)) => tolerance.pass(error, false)?,
                Err(Refusal::Stop(error)) => return Err(error),
            }
        }
        faults.try_for_each(|fault| tolerance.pass(fault.error, false))?;
        // Checked here too, because a device without an end never comes to the other check.
        if rows > MAX_ROWS { check_rows(&header, rows) } else { Ok(()) }
    })?;
    check_rows(&header, rows)?;
    Ok(rows)
}

/// Refuses a file with no rows, or with more than can be numbered.
pub(super) fn check_rows(header: &Header, rows: u64) -> Result<()> {
    match rows {
        0 => Err(header.file_error("the file has a header but no rows. Add at least one sample")),
        1..=MAX_ROWS => Ok(()),
        _ => {
            Err(header.file_error(format!("the file has more rows than the {MAX_ROWS} that can be indexed. Split it")))
        }
    }
}

fn parse(chunk: Chunk, inputs: &Inputs) -> Result<Parsed> {
    let block = chunk()?;
    let mut x = Vec::with_capacity(block.rows() * inputs.width());
    let mut bad = Vec::new();
    for row in 0..block.rows() {
        match inputs.add(&block, row, &mut x) {
            Ok(Added::Row) => continue,
            Ok(Added::Skipped { column }) => bad.push((row, true, skipped(&block, row, column))),
            Err(error) => bad.push((row, false, error)),
        }
        x.resize((row + 1) * inputs.width(), 0.0);
    }
    Ok(Parsed { block, x, bad })
}

/// Chunks are dealt to the parsers in turn, and blocks are taken from them in the same turn.
fn each_parsed(source: &mut dyn Source, inputs: &Inputs, take: &mut dyn FnMut(Parsed) -> Result<()>) -> Result<()> {
    let parsers = std::thread::available_parallelism().map_or(1, usize::from).min(PARSERS);
    std::thread::scope(|scope| {
        let (mut jobs, mut results): (Vec<SyncSender<Chunk>>, Vec<Receiver<Result<Parsed>>>) = Default::default();
        for _ in 0..parsers {
            let (job, inbox) = sync_channel::<Chunk>(1);
            let (outbox, result) = sync_channel(1);
            jobs.push(job);
            results.push(result);
            // A parser ends when nobody sends chunks, or nobody wants blocks, any more.
            scope.spawn(move || inbox.iter().try_for_each(|chunk| outbox.send(parse(chunk, inputs)).map_err(drop)));
        }
        let cutter = scope.spawn(move || -> Result<()> {
            for job in jobs.iter().cycle() {
                let Some(chunk) = source.next_chunk()? else { break };
                if job.send(chunk).is_err() {
                    break;
                }
            }
            Ok(())
        });
        for result in results.iter().cycle() {
            // The parser whose turn it is has ended: there are no more chunks.
            let Ok(parsed) = result.recv() else { break };
            take(parsed?)?;
        }
        drop(results);
        cutter.join().map_err(|_| Error::Internal("the thread that reads data has failed".into()))?
    })
}
