//! A first spec for a folder of pictures.

use super::{Draft, hidden_layers, on_one_line, shares, training};
use crate::data::pictures::Look;
use crate::spec::write::quoted;
use std::fmt::Write;

/// Pictures with at most this many rows and columns stay as they are: those of MNIST and CIFAR do.
const KEPT_SIDE: usize = 64;
/// Larger ones are resized so that the longer side has so many pixels, of which dense layers still learn something.
const NEW_SIDE: usize = 32;

/// Writes a spec for the folder that a spec names `written`, which has two classes at least.
pub fn draft_pictures(written: &str, found: &Look) -> Draft {
    let size = size(found);
    let channels = if found.gray == found.pictures { 1 } else { 3 };
    let sizes = match found.sizes.len() {
        1 => "all of one size".to_owned(),
        many => format!("of {many} sizes"),
    };
    let mut notes = vec![format!("{} pictures, {} in gray, {sizes}", found.pictures, found.gray)];
    let each = shares(found.classes.iter().map(|(name, count)| (name.as_str(), *count)), found.pictures.max(1));
    notes.push(format!("target class: {} classes: {each}", found.classes.len()));
    if found.unreadable > 0 {
        notes.push(format!("{} files are no pictures that can be read, and will be passed over", found.unreadable));
    }
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_spec(&mut text, written, found, size, channels);
    Draft { text, notes }
}

/// The most frequent size, made smaller where it is large.
fn size(found: &Look) -> [usize; 2] {
    let most = found.sizes.iter().max_by_key(|(_, count)| **count);
    let [rows, columns] = most.map_or([NEW_SIDE; 2], |(size, _)| *size);
    let longest = rows.max(columns).max(1);
    if longest <= KEPT_SIDE {
        return [rows, columns];
    }
    [rows, columns].map(|side| (side * NEW_SIDE).div_ceil(longest))
}

fn write_spec(
    out: &mut String,
    written: &str,
    found: &Look,
    [rows, columns]: [usize; 2],
    channels: usize,
) -> std::fmt::Result {
    let shown = on_one_line(written);
    writeln!(
        out,
        "# A first spec for {shown}: {} pictures. Every key is explained in docs/spec.md.\n[data]\ntrain = {}  # a \
         sub-folder for each class",
        found.pictures,
        quoted(written)
    )?;
    let colours = if channels == 1 { "1 gray, 3 colours" } else { "3 colours, 1 gray" };
    writeln!(out, "images = {{ size = [{rows}, {columns}], channels = {channels} }}  # rows, columns; {colours}")?;
    if found.unreadable > 0 {
        writeln!(out, "skip_bad_rows = {}  # files that are no pictures", found.unreadable)?;
    }
    if found.pictures >= 10 {
        writeln!(out, "validation = 0.2  # a fifth of the pictures, drawn by the seed, is held out")?;
    }
    hidden_layers(out, rows * columns * channels, found.pictures)?;
    writeln!(out, "\n[[model.layers]]  # one output for each class\ndense = {}", found.classes.len())?;
    writeln!(out, "\n[train]\nloss = \"cross_entropy\"")?;
    training(out, found.pictures.max(1), 0.001)
}
