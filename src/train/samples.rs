//! The samples of a run: in memory while they fit `data.memory`, else in a file of rows.

use super::feed::{Feed, Fill};
use super::rows::Rows;
use super::run_folder::Preprocessing;
use super::weighting::weigh;
use crate::data::load::{Like, Loaded, Wish, cache, cache_like, load};
use crate::data::order::{EpochWindows, Windows};
use crate::data::{Fit, RowCache, Tolerance, epoch_order, fill_means, source, split_rows};
use crate::error::Result;
use crate::model::Network;
use crate::spec::{Spec, Validation};
use std::path::Path;
use std::sync::Arc;

/// Threads that read ahead. Two keep up with the CPU device: one reads while the other one's piece waits to be taken.
const THREADS: usize = 2;

/// Everything a run needs of the data.
#[derive(Debug)]
pub struct RunData {
    /// The training samples, scaled.
    pub train: SampleSet,
    /// The validation samples, scaled.
    pub validation: Option<SampleSet>,
    /// Columns, classes, scaler.
    pub preprocessing: Preprocessing,
    /// The network, its inputs taken from the data.
    pub network: Network,
    /// The weights of the classes; none where all count alike.
    pub class_weights: Vec<f64>,
    /// Malformed rows that were passed over.
    pub skipped: Tolerance,
}

impl RunData {
    /// Bytes of the files that hold samples; 0 where they are in memory.
    pub fn file_bytes(&self) -> u64 {
        let sets = std::iter::once(&self.train).chain(&self.validation);
        sets.filter_map(SampleSet::file).map(RowCache::size_bytes).sum()
    }

    /// The folder in which they lie.
    pub fn file_folder(&self) -> String {
        let mut sets = std::iter::once(&self.train).chain(&self.validation);
        let folder = sets.find_map(|set| set.file()?.folder());
        folder.map(|f| f.display().to_string()).unwrap_or_default()
    }
}

/// Scaled samples in the precision of the device.
#[derive(Debug, Clone)]
pub struct SampleSet {
    /// Number of samples.
    pub rows: usize,
    place: Stored,
    /// How samples in a file are shuffled.
    windows: Option<Windows>,
    /// No samples, of the same widths.
    blank: Rows,
    /// Whether targets are classes.
    classes: bool,
}

#[derive(Debug, Clone)]
enum Stored {
    Memory(Arc<Rows>),
    File(Arc<RowCache>),
}

/// The order in which an epoch visits the training samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Row by row: any row may come next.
    Rows(Vec<u32>),
    /// Window by window.
    Windows(EpochWindows),
}

impl SampleSet {
    /// Samples in memory.
    pub fn in_memory(rows: Rows, network: &Network) -> SampleSet {
        SampleSet::shared(Arc::new(rows), network)
    }

    /// Samples that are in memory already.
    pub fn shared(rows: Arc<Rows>, network: &Network) -> SampleSet {
        let (count, classes, blank) = (rows.len(), network.loss.takes_class(), rows.blank());
        SampleSet { rows: count, place: Stored::Memory(rows), windows: None, blank, classes }
    }

    /// Samples in a file, to be read in blocks and shuffled in windows of so many bytes; a step takes `batch` rows. Rows with one
    /// number more than features and target end in their weight.
    pub fn in_file(cache: RowCache, network: &Network, batch: usize, block_bytes: u64, window_bytes: u64) -> SampleSet {
        let windows = Windows::of_sizes(cache.rows(), cache.row_bytes(), batch, block_bytes, window_bytes);
        let rows = cache.rows();
        let classes = network.loss.takes_class();
        let plain = network.inputs() + if classes { 1 } else { network.outputs() };
        let blank = Rows::new(network).with_weights(cache.row_bytes() / 4 > plain);
        let (place, windows) = (Stored::File(Arc::new(cache)), Some(windows));
        SampleSet { rows, place, windows, blank, classes }
    }

    /// Whether rows have weights of their own.
    pub fn is_weighted(&self) -> bool {
        self.blank.is_weighted()
    }

    /// Lets the rows of each class count as `weights` says.
    pub fn set_class_weights(&mut self, weights: &Arc<[f64]>) {
        self.blank.set_class_weights(weights);
        if let Stored::Memory(rows) = &mut self.place {
            Arc::make_mut(rows).set_class_weights(weights);
        }
    }

    /// The samples, where they are in memory.
    pub fn memory(&self) -> Option<&Arc<Rows>> {
        match &self.place {
            Stored::Memory(rows) => Some(rows),
            Stored::File(_) => None,
        }
    }

    /// The file, where they are in one.
    pub fn file(&self) -> Option<&RowCache> {
        match &self.place {
            Stored::Memory(_) => None,
            Stored::File(cache) => Some(cache),
        }
    }

    /// The order of the epoch `epoch`. It follows from the numbers of rows, of the seed and the epoch, and for samples in a
    /// file from the sizes of block and window; from nothing else.
    pub fn order(&self, seed: u64, epoch: u32) -> Order {
        match self.windows {
            None => Order::Rows(epoch_order(seed, epoch, self.rows)),
            Some(windows) => Order::Windows(windows.epoch(seed, epoch)),
        }
    }

    /// The samples of `order` from the sample `from` on, in pieces of `piece` rows (or of a window), and how many samples of
    /// the first piece come before `from`.
    pub fn feed(&self, order: &Order, from: usize, piece: usize) -> (Feed, usize) {
        self.feed_on(THREADS, order, from, piece)
    }

    /// The same on `threads` threads.
    pub fn feed_on(&self, threads: usize, order: &Order, from: usize, piece: usize) -> (Feed, usize) {
        match (order, &self.place) {
            (Order::Windows(order), Stored::File(cache)) => {
                let (cache, order) = (Arc::clone(cache), order.clone());
                let (count, size, classes) = (order.count(), order.window_rows(), self.classes);
                let fill: Arc<Fill> = Arc::new(move |piece, rows| {
                    let window = order.window(piece);
                    rows.resize(window.places.len(), classes);
                    let mut part = Vec::new();
                    cache.read_window(&window, &mut part, &mut |place, words| rows.set_words(place, words))
                });
                (Feed::new(from / size..count, threads, &self.blank, &fill), from % size)
            }
            (Order::Rows(order), place) => {
                let (place, order) = (place.clone(), order[from..].to_vec());
                let count = order.len().div_ceil(piece);
                let fill: Arc<Fill> = Arc::new(move |index, rows| {
                    let part = &order[index * piece..order.len().min((index + 1) * piece)];
                    match &place {
                        Stored::Memory(all) => rows.gather(all, part),
                        Stored::File(_) => return Err(crate::Error::Internal("a file is read in windows".into())),
                    }
                    Ok(())
                });
                (Feed::new(0..count, threads, &self.blank, &fill), 0)
            }
            (Order::Windows(_), Stored::Memory(_)) => {
                let fill: Arc<Fill> =
                    Arc::new(|_, _| Err(crate::Error::Internal("samples in memory have no windows".into())));
                (Feed::new(0..1, 1, &self.blank, &fill), 0)
            }
        }
    }

    /// All samples as they stand, in pieces of `piece` rows.
    pub fn in_order(&self, piece: usize) -> Feed {
        let (rows, place, classes) = (self.rows, self.place.clone(), self.classes);
        let fill: Arc<Fill> = Arc::new(move |index, part| {
            let (first, count) = (index * piece, piece.min(rows - index * piece));
            match &place {
                Stored::Memory(all) => part.copy(all, first, count),
                Stored::File(cache) => {
                    let words = cache.row_bytes() / 4;
                    let mut read = vec![0; count * words];
                    cache.read(first, &mut read)?;
                    part.resize(count, classes);
                    read.chunks_exact(words).enumerate().for_each(|(i, row)| part.set_words(i, row));
                }
            }
            Ok(())
        });
        Feed::new(0..rows.div_ceil(piece), THREADS, &self.blank, &fill)
    }
}

/// Reads the spec's files. The scaler is fitted on the training part alone. `folder` is where samples that do not fit memory
/// are kept.
///
/// # Errors
/// [`crate::Error::Data`], [`crate::Error::Shape`], [`crate::Error::Io`].
pub fn read(spec: &Spec, folder: &Path) -> Result<RunData> {
    let rule = spec.target_rule();
    let (file, seed) = (&spec.data.train, spec.train.seed);
    let mut skipped = Tolerance::new(spec.data.reading.skip_bad_rows);
    let held_out = match spec.data.validation {
        Some(Validation::Fraction(fraction)) => Some((fraction, seed)),
        _ => None,
    };
    let target = &spec.data.target;
    let columns = &spec.data.columns;
    let wish = Wish { columns, target, rule, memory_bytes: spec.data.reading.memory, scale: spec.data.scale, held_out };
    let (survey, network, sets) = match load(file, &wish, &mut skipped)? {
        Loaded::Whole(mut data, mut schema) => {
            let width = data.features.len();
            let (train, rest) = match held_out {
                None => ((0..data.rows as u32).collect(), None),
                Some((fraction, seed)) => {
                    let (train, rest) = split_rows(data.rows, fraction, seed, &file.path)?;
                    (train, Some(rest))
                }
            };
            fill_means(&mut data, &mut schema, &train, &file.path)?;
            let mut fit = Fit::new(spec.data.scale, width);
            train.iter().for_each(|&row| fit.add(&data.x[row as usize * width..][..width]));
            let scaler = fit.finish();
            let network = network(spec, width)?;
            let set = |order: &[u32]| SampleSet::in_memory(Rows::scaled(&data, order, &scaler, &network), &network);
            let sets = (set(&train), rest.map(|rest| set(&rest)));
            (Preprocessing { schema, scaler }, network, sets)
        }
        Loaded::Large(survey) => {
            let network = network(spec, survey.schema.features.len())?;
            let (train, rest) = cache(file, &wish, &survey, folder, spec.data.reading.skip_bad_rows)?;
            let in_file = |cache| in_file(cache, spec, &network);
            let sets = (in_file(train), rest.map(in_file));
            (Preprocessing { schema: survey.schema, scaler: survey.scaler }, network, sets)
        }
    };
    let (mut train, mut validation) = sets;
    let class_weights = weigh(&mut train, spec, survey.schema.classes.as_deref())?;
    if let Some(Validation::File(file)) = &spec.data.validation {
        let mut source = source::open_file(file)?;
        let Preprocessing { schema, scaler } = &survey;
        let like = Like { schema, scaler, rule, hold_bytes: spec.data.reading.memory };
        let cache = cache_like(source.as_mut(), &like, folder, &mut skipped)?;
        validation = Some(if cache.folder().is_some() {
            in_file(cache, spec, &network)
        } else {
            SampleSet::in_memory(Rows::of_words(cache.held(), &network), &network)
        });
    }
    Ok(RunData { train, validation, preprocessing: survey, network, class_weights, skipped })
}

fn network(spec: &Spec, features: usize) -> Result<Network> {
    Ok(Network { layers: spec.model.layers(features)?, loss: spec.train.loss })
}

fn in_file(cache: RowCache, spec: &Spec, network: &Network) -> SampleSet {
    let reading = spec.data.reading;
    SampleSet::in_file(cache, network, spec.train.batch_of(usize::MAX), reading.shuffle_block, reading.shuffle_window)
}
