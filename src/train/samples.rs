//! The samples of a run: in memory while they fit `data.memory`, else in a file of rows.

use super::feed::{Feed, Fill};
use super::run_folder::Preprocessing;
use crate::data::like::{Kept, Like, keep};
use crate::data::load::{Loaded, Wish, cache, load};
use crate::data::order::{EpochWindows, Windows};
use crate::data::{Dataset, Fit, RowCache, Tolerance, epoch_order, fill_means, source, split_rows};
use crate::error::{Error, Result};
use crate::kernels::Scalar;
use crate::nn::Network;
use crate::spec::{ClassWeights, Spec, Validation};
use std::path::Path;
use std::sync::Arc;

/// Threads that read ahead. Two keep up with the CPU device: one reads while the other one's piece waits to be taken.
pub(super) const THREADS: usize = 2;
/// Rows that are looked through at a time for the weights of classes.
const WEIGHED_ROWS: usize = 4096;

/// Everything a run needs of the data.
#[derive(Debug)]
pub struct RunData<T = f32> {
    /// The training samples, scaled.
    pub train: SampleSet<T>,
    /// The validation samples, scaled.
    pub validation: Option<SampleSet<T>>,
    /// Columns, classes, scaler.
    pub preprocessing: Preprocessing,
    /// The network, its inputs taken from the data.
    pub network: Network,
    /// The weights of the classes; none where all count alike.
    pub class_weights: Vec<f64>,
    /// Malformed rows that were passed over.
    pub skipped: Tolerance,
}

impl<T: Scalar> RunData<T> {
    /// The files that hold samples: none where they are in memory.
    pub fn files(&self) -> impl Iterator<Item = &RowCache> {
        std::iter::once(&self.train).chain(&self.validation).filter_map(SampleSet::file)
    }
}

/// Scaled samples, in the precision of the device unless that would lose what is to be seen.
#[derive(Debug, Clone)]
pub struct SampleSet<T = f32> {
    /// Number of samples.
    pub rows: usize,
    place: Stored<T>,
    /// No samples, of the same widths.
    blank: Dataset<T>,
}

#[derive(Debug, Clone)]
enum Stored<T> {
    Memory(Arc<Dataset<T>>),
    /// A file, how its samples are shuffled, and the weights of the classes of its rows; none where all count alike.
    File(Arc<RowCache>, Windows, Arc<[f64]>),
}

/// The order in which an epoch visits the training samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Row by row: any row may come next.
    Rows(Vec<u32>),
    /// Window by window.
    Windows(EpochWindows),
}

impl<T: Scalar> SampleSet<T> {
    /// Samples in memory.
    pub fn in_memory(rows: Arc<Dataset<T>>) -> SampleSet<T> {
        SampleSet { rows: rows.rows, blank: rows.blank_like(), place: Stored::Memory(rows) }
    }

    /// Samples in a file, to be read in blocks and shuffled in windows of so many bytes; a step takes `batch` rows. Rows with one
    /// number more than features and target of `blank` end in their weight.
    pub fn in_file(
        cache: RowCache,
        blank: Dataset<T>,
        batch: usize,
        block_bytes: u64,
        window_bytes: u64,
    ) -> SampleSet<T> {
        // In any precision the order is that of rows for a device.
        let row_bytes = cache.row_bytes() - 4 * (blank.plain_words() - blank.blank_like::<f32>().plain_words());
        let windows = Windows::of_sizes(cache.rows(), row_bytes, batch, block_bytes, window_bytes);
        SampleSet { rows: cache.rows(), place: Stored::File(Arc::new(cache), windows, Arc::default()), blank }
    }

    /// Whether rows have weights.
    pub fn is_weighted(&self) -> bool {
        match &self.place {
            Stored::Memory(rows) => !rows.weights.is_empty(),
            Stored::File(cache, ..) => cache.row_bytes() / 4 > self.blank.plain_words(),
        }
    }

    /// Multiplies the weights of the rows of each class.
    pub fn weigh(&mut self, class_weights: &[f64]) {
        match &mut self.place {
            Stored::Memory(rows) => Arc::make_mut(rows).weigh(class_weights),
            Stored::File(_, _, weights) => *weights = class_weights.into(),
        }
    }

    /// The samples, where they are in memory.
    pub fn memory(&self) -> Option<&Arc<Dataset<T>>> {
        if let Stored::Memory(rows) = &self.place { Some(rows) } else { None }
    }

    /// The file, where they are in one.
    pub fn file(&self) -> Option<&RowCache> {
        if let Stored::File(cache, ..) = &self.place { Some(cache) } else { None }
    }

    /// The order of the epoch `epoch`. It follows from the numbers of rows, of the seed and the epoch, and for samples in a
    /// file from the sizes of block and window; from nothing else.
    pub fn order(&self, seed: u64, epoch: u32) -> Order {
        match &self.place {
            Stored::Memory(_) => Order::Rows(epoch_order(seed, epoch, self.rows)),
            Stored::File(_, windows, _) => Order::Windows(windows.epoch(seed, epoch)),
        }
    }

    /// The samples of one step by themselves: `batch` of those of `order` from the sample `from` on, as far as there are any.
    ///
    /// # Errors
    /// [`Error::Io`] where samples cannot be read.
    pub fn batch(&self, order: &Order, from: usize, batch: usize) -> Result<Dataset<T>> {
        let (mut feed, at) = self.feed_on(1, order, from, batch);
        let rows = feed.take()?.ok_or_else(|| Error::Internal("a step without samples".into()))?;
        let mut step = self.blank.clone();
        step.copy(&rows, at..rows.rows.min(at + batch));
        Ok(step)
    }

    /// The samples of `order` from the sample `from` on, in pieces of `piece` rows (or of a window) that `threads` threads get
    /// ready, and how many samples of the first piece come before `from`.
    pub fn feed_on(&self, threads: usize, order: &Order, from: usize, piece: usize) -> (Feed<Dataset<T>>, usize) {
        match (order, self.place.clone()) {
            (Order::Windows(order), Stored::File(cache, _, weights)) => {
                let order = order.clone();
                let (count, size) = (order.count(), order.window_rows());
                let fill: Arc<Fill<Dataset<T>>> = Arc::new(move |piece, rows| {
                    let window = order.window(piece);
                    rows.resize(window.places.len(), cache.row_bytes() / 4);
                    let mut part = Vec::new();
                    cache.read_window(&window, &mut part, &mut |place, words| rows.set_words(place, words))?;
                    rows.weigh(&weights);
                    Ok(())
                });
                (Feed::new(from / size..count, threads, &self.blank, &fill), from % size)
            }
            (Order::Rows(order), Stored::Memory(all)) => {
                let order = order[from..].to_vec();
                let count = order.len().div_ceil(piece);
                let fill: Arc<Fill<Dataset<T>>> = Arc::new(move |index, rows| {
                    rows.gather(&all, &order[index * piece..order.len().min((index + 1) * piece)]);
                    Ok(())
                });
                (Feed::new(0..count, threads, &self.blank, &fill), 0)
            }
            _ => {
                let fill: Arc<Fill<Dataset<T>>> =
                    Arc::new(|_, _| Err(Error::Internal("an order of other samples".into())));
                (Feed::new(0..1, 1, &self.blank, &fill), 0)
            }
        }
    }

    /// All samples as they stand, in pieces of `piece` rows.
    pub fn in_order(&self, piece: usize) -> Feed<Dataset<T>> {
        let (rows, place) = (self.rows, self.place.clone());
        let fill: Arc<Fill<Dataset<T>>> = Arc::new(move |index, part| {
            let (first, count) = (index * piece, piece.min(rows - index * piece));
            match &place {
                Stored::Memory(all) => part.copy(all, first..first + count),
                Stored::File(cache, _, weights) => {
                    let words = cache.row_bytes() / 4;
                    let mut read = vec![0; count * words];
                    cache.read(first, &mut read)?;
                    part.resize(count, words);
                    read.chunks_exact(words).enumerate().for_each(|(i, row)| part.set_words(i, row));
                    part.weigh(weights);
                }
            }
            Ok(())
        });
        Feed::new(0..rows.div_ceil(piece), THREADS, &self.blank, &fill)
    }
}

/// The samples as a device holds them.
impl From<&Dataset> for SampleSet {
    fn from(data: &Dataset) -> SampleSet {
        SampleSet::in_memory(Arc::new(data.cast()))
    }
}

/// Reads the spec's files. The scaler is fitted on the training part alone. `folder` is where samples that do not fit memory
/// are kept.
///
/// # Errors
/// [`Error::Data`], [`Error::Shape`], [`Error::Io`].
pub fn read(spec: &Spec, folder: &Path) -> Result<RunData> {
    let mut data = read_training::<f32>(spec, folder)?;
    if let Some(Validation::File(file)) = &spec.data.validation {
        let mut source = source::open_file(file)?;
        let Preprocessing { schema, scaler } = &data.preprocessing;
        let like = Like { schema, scaler, rule: Some(spec.target_rule()), weighted: false };
        let hold_bytes = spec.data.reading.memory;
        data.validation = Some(match keep(source.as_mut(), &like, hold_bytes, folder, &mut data.skipped)? {
            Kept::Memory(rows) => SampleSet::in_memory(Arc::new(rows)),
            Kept::File(cache) => in_file(cache, like.blank(), spec),
        });
    }
    Ok(data)
}

/// The same without a validation file, in the precision `T`.
///
/// # Errors
/// As [`read`].
pub fn read_training<T: Scalar>(spec: &Spec, folder: &Path) -> Result<RunData<T>> {
    let rule = spec.target_rule();
    let (file, seed) = (&spec.data.train, spec.train.seed);
    let mut skipped = Tolerance::new(spec.data.reading.skip_bad_rows);
    let held_out = match spec.data.validation {
        Some(Validation::Fraction(fraction)) => Some((fraction, seed)),
        _ => None,
    };
    let (columns, target) = (&spec.data.columns, &spec.data.target);
    let wish = Wish { columns, target, rule, memory_bytes: spec.data.reading.memory, scale: spec.data.scale, held_out };
    let loaded = load(file, &wish, &mut skipped)?;
    // What does not fit the data is refused before they are read once more.
    let network = Network { layers: spec.model.layers(loaded.schema().features.len())?, loss: spec.train.loss };
    let (preprocessing, mut train, validation) = match loaded {
        Loaded::Whole(mut data, mut schema) => {
            let parts = held_out.map(|(fraction, seed)| split_rows(data.rows, fraction, seed, &file.path));
            let (train, rest) = parts.transpose()?.unzip();
            let train = train.unwrap_or_else(|| (0..data.rows as u32).collect());
            fill_means(&mut data, &mut schema, &train, &file.path)?;
            let mut fit = Fit::new(spec.data.scale, data.inputs);
            train.iter().for_each(|&row| fit.add(&data.x[row as usize * data.inputs..][..data.inputs]));
            let scaler = fit.finish();
            let set = |order: &[u32]| SampleSet::in_memory(Arc::new(data.scaled(order, &scaler)));
            let (train, rest) = (set(&train), rest.map(|rest| set(&rest)));
            (Preprocessing { schema, scaler }, train, rest)
        }
        Loaded::Large(survey) => {
            let (train, rest) = cache::<T>(file, &wish, &survey, folder, spec.data.reading.skip_bad_rows)?;
            let in_file = |cache| in_file(cache, Dataset::blank(survey.schema.features.len(), Some(rule)), spec);
            let (train, rest) = (in_file(train), rest.map(in_file));
            (Preprocessing { schema: survey.schema, scaler: survey.scaler }, train, rest)
        }
    };
    let class_weights = weigh(&mut train, spec, preprocessing.schema.classes.as_deref())?;
    Ok(RunData { train, validation, preprocessing, network, class_weights, skipped })
}

/// Samples in a file, shuffled as the spec says.
fn in_file<T: Scalar>(cache: RowCache, blank: Dataset<T>, spec: &Spec) -> SampleSet<T> {
    let reading = spec.data.reading;
    SampleSet::in_file(cache, blank, spec.train.batch_of(usize::MAX), reading.shuffle_block, reading.shuffle_window)
}

/// Gives the training rows `set` the weights of their classes, and returns these: nothing where all count alike. `classes` are
/// the names of the classes, where there are any.
///
/// # Errors
/// [`Error::Spec`] for weights of classes that are not there; [`Error::Data`] where no row counts; [`Error::Io`].
fn weigh<T: Scalar>(set: &mut SampleSet<T>, spec: &Spec, classes: Option<&[String]>) -> Result<Vec<f64>> {
    let wish = &spec.train.class_weights;
    if *wish == ClassWeights::Equal && !set.is_weighted() {
        return Ok(Vec::new());
    }
    let (rows, counts) = look_through(set, classes.map_or(1, |names| names.len().max(1)))?;
    let weights = wish.resolve(classes, &rows)?;
    if !counts.iter().enumerate().any(|(class, counts)| *counts && weights.get(class).is_none_or(|w| *w > 0.0)) {
        let message = "every training row has weight 0, so that there is nothing to learn. Correct the column named in \
                       data.sample_weight, or train.class_weights";
        return Err(Error::data(spec.data.train.path.display().to_string(), message));
    }
    set.weigh(&weights);
    Ok(weights)
}

/// The number of rows of each class, and whether one of them has a weight of its own above 0.
fn look_through<T: Scalar>(set: &SampleSet<T>, classes: usize) -> Result<(Vec<usize>, Vec<bool>)> {
    let (mut rows, mut counts) = (vec![0; classes], vec![false; classes]);
    let mut feed = set.in_order(WEIGHED_ROWS);
    while let Some(piece) = feed.take()? {
        for row in 0..piece.rows {
            let class = if classes > 1 { piece.class_of(row) } else { 0 };
            if class < classes {
                rows[class] += 1;
                counts[class] |= piece.weights.get(row).is_none_or(|weight| *weight > 0.0);
            }
        }
        feed.give_back(piece);
    }
    Ok((rows, counts))
}
