//! `data.images`: how the pictures of a folder become samples.

use crate::data::pictures::{Filter, Images, MOST_NUMBERS, MOST_SIDE};
use crate::error::Result;
use toml::de::DeValue;

use super::DataFile;
use super::table::{Source, Table, Value, number};
use super::write::float;

/// The settings of the training folder; `None` where `train` is a file.
pub(super) fn read(table: &Table<'_>, train: &DataFile) -> Result<Option<Images>> {
    let source = table.source();
    let Some(value) = table.get("images") else {
        // A path that ends as a folder's, and one where there is a folder, name one.
        let is_folder = train.written.ends_with(std::path::is_separator) || train.path.is_dir();
        return Ok((is_folder && train.labels.is_none()).then(Images::default));
    };
    if train.labels.is_some() {
        let message = "`images` says how a folder of pictures is read, and `train` names files of arrays. Remove one";
        return Err(source.error(&value.span(), message));
    }
    let table = Table::of_value(source, "`images`", value)?;
    let default = Images::default();
    let images = Images {
        size: table.get("size").map(|value| super::read::sides(source, "size", value)).transpose()?,
        channels: table.get("channels").map_or(Ok(default.channels), |value| channels(source, value))?,
        filter: table.named(
            "filter",
            default.filter,
            "the name of a filter, such as \"bilinear\"",
            Filter::NAMES,
            Filter::by_name,
        )?,
        ..default
    };
    let each = |key, default, expected, accept| {
        table.get(key).map_or(Ok(default), |value| each_channel(source, key, value, images.channels, expected, accept))
    };
    let mean = each("mean", default.mean, "a finite number, such as 0.5", f64::is_finite)?;
    let std = each("std", default.std, "a finite number above 0, such as 0.5", |v| v.is_finite() && v > 0.0)?;
    table.finish()?;
    match (images.size, table.get("size")) {
        (Some([rows, columns]), Some(value))
            if rows.max(columns) > MOST_SIDE || rows * columns * images.channels > MOST_NUMBERS =>
        {
            let message = format!(
                "`size` is {rows} x {columns} pixels; possible are up to {MOST_SIDE} each, and {MOST_NUMBERS} numbers in all \
                 channels. Choose a smaller size"
            );
            Err(source.error(&value.span(), message))
        }
        _ => Ok(Some(Images { mean, std, ..images })),
    }
}

fn channels(source: &Source<'_>, value: &Value<'_>) -> Result<usize> {
    match value.get_ref() {
        DeValue::Integer(i) if i.as_str() == "1" => Ok(1),
        DeValue::Integer(i) if i.as_str() == "3" => Ok(3),
        _ => Err(source.wrong_type("channels", "1 (gray) or 3 (red, green, blue)", value)),
    }
}

/// A number for all channels, or a list with one for each.
fn each_channel(
    source: &Source<'_>,
    key: &str,
    value: &Value<'_>,
    channels: usize,
    expected: &str,
    accept: fn(f64) -> bool,
) -> Result<[f64; 3]> {
    let DeValue::Array(list) = value.get_ref() else {
        return number(source, key, value, expected, accept).map(|number| [number; 3]);
    };
    if list.len() != channels {
        let message =
            format!("`{key}` lists {} numbers for {channels} channels. Write {channels}, or one number", list.len());
        return Err(source.error(&value.span(), message));
    }
    let mut each = [0.0; 3];
    for (at, value) in list.iter().enumerate() {
        each[at] = number(source, key, value, expected, accept)?;
    }
    // Of gray the first counts; the others are equal so that equal specs are.
    Ok(if channels == 1 { [each[0]; 3] } else { each })
}

pub(super) fn write(images: &Images, out: &mut String) -> std::fmt::Result {
    use std::fmt::Write;
    write!(out, "images = {{ ")?;
    if let Some([rows, columns]) = images.size {
        write!(out, "size = [{rows}, {columns}], ")?;
    }
    let each = |numbers: [f64; 3]| {
        numbers[..images.channels].iter().map(|number| float(*number)).collect::<Vec<_>>().join(", ")
    };
    writeln!(
        out,
        "channels = {}, filter = \"{}\", mean = [{}], std = [{}] }}",
        images.channels,
        images.filter.name(),
        each(images.mean),
        each(images.std)
    )
}
