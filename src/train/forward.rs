//! A trained network on a file of any length: rows are read in pieces while the device works on the piece before.

use super::engine::{Engine, Roles, forward_piece};
use super::metrics::{Measures, Tally};
use super::run_folder::{Preprocessing, Trained};
use crate::data::like::{Like, each_row};
use crate::data::{Dataset, Tolerance, source};
use crate::error::{Error, Result};
use crate::exec::Device;
use crate::spec::DataFile;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// What a trained network makes of a labelled file.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// Rows of the file that were evaluated.
    pub rows: usize,
    /// Malformed rows that were passed over, as many as in training at most.
    pub skipped: Tolerance,
    /// Mean loss over the rows.
    pub loss: f64,
    /// Confusion matrix, classes, other metrics.
    pub measured: Measures,
}

/// Loss and metrics of `trained` on `file`. `top_k` is the k of top-k accuracy.
///
/// # Errors
/// [`Error::Data`]: a missing column, a class unseen in training, and so on; [`Error::Limit`], [`Error::Gpu`],
/// [`Error::Device`].
pub async fn evaluate_file(
    device: &Device,
    trained: &Trained,
    file: &DataFile,
    top_k: Option<usize>,
) -> Result<Evaluated> {
    let network = &trained.network;
    let pieces = pieces(device, trained, file, true)?;
    let classes = trained.preprocessing.schema.classes.as_deref();
    let mut tally = Tally::new(classes, network.outputs(), network.loss, top_k);
    let (mut rows, mut loss, mut engine) = (0, 0.0, None);
    for piece in &pieces.rows {
        let piece = piece?;
        let roles = Roles { evaluate: Some(piece.rows), ..Roles::default() };
        let open = opened(&mut engine, device, trained, roles).await?;
        let (part, predictions) = open.evaluate_rows(&piece).await?;
        tally.add(&predictions, piece.row_targets());
        rows += piece.rows;
        // The mean of the means, each with the weight of its rows; of one piece exactly its own.
        loss += (part - loss) * (piece.rows as f64 / rows as f64);
    }
    let skipped = pieces.reader.join();
    let skipped = skipped.map_err(|_| Error::Internal("the thread that reads data has failed".into()))?;
    Ok(Evaluated { rows, skipped, loss, measured: tally.finish() })
}

/// Hands the outputs of `trained` for `file` to `take`: rows x outputs, piece by piece in the order of the file.
/// Returns the number of rows.
///
/// # Errors
/// As [`evaluate_file`]; what `take` fails with.
pub async fn predict_file(
    device: &Device,
    trained: &Trained,
    file: &DataFile,
    take: &mut dyn FnMut(&[f64]) -> Result<()>,
) -> Result<usize> {
    let (mut rows, mut engine) = (0, None);
    let pieces = pieces(device, trained, file, false)?;
    for piece in &pieces.rows {
        let piece = piece?;
        let roles = Roles { predict: Some(piece.rows), ..Roles::default() };
        let open = opened(&mut engine, device, trained, roles).await?;
        take(&open.predict_rows(&piece).await?)?;
        rows += piece.rows;
    }
    Ok(rows)
}

/// The engine, opened with the `roles` of the first piece: no later one is larger.
async fn opened<'a>(
    engine: &'a mut Option<Engine>,
    device: &Device,
    trained: &Trained,
    roles: Roles,
) -> Result<&'a mut Engine> {
    match engine {
        Some(engine) => Ok(engine),
        none => {
            let mut new = Engine::open(device, &trained.network, roles).await?;
            new.write_parameters(&trained.parameters)?;
            Ok(none.insert(new))
        }
    }
}

/// Pieces of a file in order, from a thread that reads ahead, and what that thread ends with.
struct Pieces {
    rows: Receiver<Result<Dataset<f32>>>,
    /// Ends with the rows that were passed over.
    reader: JoinHandle<Tolerance>,
}

/// The rows of a file, scaled, in pieces that are all of the same size but the last one.
fn pieces(device: &Device, trained: &Trained, file: &DataFile, labelled: bool) -> Result<Pieces> {
    let mut source = source::open_file(&file.clone().with_images(trained.spec.data.train.images))?;
    let size = forward_piece(&trained.network, device.limits());
    let (out, rows) = sync_channel(1);
    let (Preprocessing { schema, scaler }, spec) = (trained.preprocessing.clone(), &trained.spec);
    let rule = labelled.then(|| spec.target_rule());
    // A prediction too few would go unnoticed, so that every row of a file to predict on must be good.
    let mut tolerance = Tolerance::new(if labelled { spec.data.reading.skip_bad_rows } else { 0 });
    let reader = std::thread::spawn(move || {
        let like = Like { schema: &schema, scaler: &scaler, rule, weighted: false };
        let mut piece = like.blank();
        let send = |piece: &mut Dataset<f32>| {
            let full = std::mem::replace(piece, piece.blank_like());
            out.send(Ok(full)).map_err(|_| Error::Internal("nobody takes the rows of a file".into()))
        };
        let mut taken = |piece: &mut Dataset<f32>| if piece.rows < size { Ok(()) } else { send(piece) };
        match each_row(source.as_mut(), &like, &mut tolerance, &mut piece, &mut taken) {
            Ok(_) if piece.rows == 0 => {}
            Ok(_) => drop(send(&mut piece)),
            // Whoever has gone does not want to hear why nothing comes.
            Err(e) => drop(out.send(Err(e))),
        }
        tolerance
    });
    Ok(Pieces { rows, reader })
}
