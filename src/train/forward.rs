//! A trained network on a file of any length: rows are read in pieces while the device works on the piece before.

use super::engine::{Engine, Roles, forward_piece};
use super::metrics::{Measured, Tally};
use super::rows::Rows;
use super::run_folder::Trained;
use crate::data::load::{Like, each_features, each_row_like};
use crate::data::{Tolerance, source};
use crate::error::{Error, Result};
use crate::exec::Device;
use crate::spec::DataFile;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// What a trained network makes of a labelled file.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Rows of the file.
    pub rows: usize,
    /// Mean loss over the rows.
    pub loss: f64,
    /// Confusion matrix, classes, other metrics.
    pub measured: Measured,
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
    for piece in pieces {
        let piece = piece?;
        let open = match &mut engine {
            Some(engine) => engine,
            none => {
                let roles = Roles { evaluate: Some(piece.len()), ..Roles::default() };
                none.insert(open(device, trained, roles).await?)
            }
        };
        let (part, predictions) = open.evaluate_rows(&piece).await?;
        tally.add(&predictions, piece.targets());
        rows += piece.len();
        // The mean of the means, each with the weight of its rows; of one piece exactly its own.
        loss += (part - loss) * (piece.len() as f64 / rows as f64);
    }
    Ok(Evaluated { rows, loss, measured: tally.finish() })
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
    for piece in pieces(device, trained, file, false)? {
        let piece = piece?;
        let open = match &mut engine {
            Some(engine) => engine,
            none => {
                let roles = Roles { predict: Some(piece.len()), ..Roles::default() };
                none.insert(open(device, trained, roles).await?)
            }
        };
        take(&open.predict_rows(&piece).await?)?;
        rows += piece.len();
    }
    Ok(rows)
}

/// An engine for the first piece: no later one is larger.
async fn open(device: &Device, trained: &Trained, roles: Roles) -> Result<Engine> {
    let mut engine = Engine::open(device, &trained.network, roles).await?;
    engine.write_parameters(&trained.parameters)?;
    Ok(engine)
}

/// The rows of a file, scaled, in pieces from a thread that reads ahead: all of the same size but the last one.
fn pieces(device: &Device, trained: &Trained, file: &DataFile, labelled: bool) -> Result<Receiver<Result<Rows>>> {
    let mut source = source::open_file(&file.clone().with_images(trained.spec.data.train.images))?;
    let (out, pieces) = sync_channel(1);
    let mut filler = Filler {
        blank: Rows::new(&trained.network),
        rows: Rows::new(&trained.network),
        size: forward_piece(&trained.network, device.limits()),
        out,
    };
    let (preprocessing, rule) = (trained.preprocessing.clone(), trained.spec.target_rule());
    let (schema, scaler) = (preprocessing.schema, preprocessing.scaler);
    std::thread::spawn(move || {
        let read = if labelled {
            let like = Like { schema: &schema, scaler: &scaler, rule, hold_bytes: 0 };
            let classes = rule.loss.takes_class();
            each_row_like(source.as_mut(), &like, &mut Tolerance::default(), &mut |words| {
                filler.rows.push_words(words, classes);
                filler.full()
            })
        } else {
            each_features(source.as_mut(), &schema, &scaler, &mut |x| {
                filler.rows.push_features(x);
                filler.full()
            })
        };
        match read {
            Ok(_) if filler.rows.is_empty() => {}
            Ok(_) => drop(filler.send()),
            // Whoever has gone does not want to hear why nothing comes.
            Err(e) => drop(filler.out.send(Err(e))),
        }
    });
    Ok(pieces)
}

struct Filler {
    blank: Rows,
    rows: Rows,
    size: usize,
    out: SyncSender<Result<Rows>>,
}

impl Filler {
    fn full(&mut self) -> Result<()> {
        if self.rows.len() < self.size { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<()> {
        let rows = std::mem::replace(&mut self.rows, self.blank.clone());
        self.out.send(Ok(rows)).map_err(|_| Error::Internal("nobody takes the rows of a file".into()))
    }
}
