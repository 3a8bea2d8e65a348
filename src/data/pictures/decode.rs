//! From the bytes of a PNG or JPEG file to numbers from 0 to 1. Sizes are held against the limits before anything is decoded.

use super::Images;
use super::resize::resize;
use crate::error::{Error, Result};
use std::io::Cursor;
use std::path::Path;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Rows or columns of a file at most.
const MOST_SIDE: usize = 1 << 14;
/// Pixels of a file at most, 33 megapixels: decoded and as numbers such a picture takes up to 700 MiB.
pub const MOST_PIXELS: usize = 1 << 25;
/// What a PNG decoder may allocate beside the pixels: rows, palettes, packed data. A row of 2^14 pixels has 128 KiB.
const PNG_BYTES: usize = 16 << 20;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";
/// Other formats by what they begin with, so that a message can name them.
const OTHERS: [(&[u8], &str); 6] = [
    (b"GIF8", "a GIF"),
    (b"RIFF", "a WebP"),
    (b"BM", "a BMP"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"P6", "a PPM"),
];

/// What the head of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Whether there is colour.
    pub is_colour: bool,
}

/// Pixels as a file has them.
struct Pixels {
    size: [usize; 2],
    /// 1 gray, 2 gray and alpha, 3 colours, 4 colours and alpha.
    channels: usize,
    /// One byte a number, or two, the higher one first.
    bytes: Vec<u8>,
    wide: bool,
}

/// Size and kind of the picture in `bytes`; `path` is for the messages.
///
/// # Errors
/// [`Error::Data`] for what is no PNG and no JPEG, damaged, or too large.
pub fn head(path: &Path, bytes: &[u8]) -> Result<Head> {
    let head = if bytes.starts_with(PNG) {
        let mut decoder = png_decoder(bytes);
        let info = decoder.read_header_info().map_err(|e| damaged(path, &e))?;
        // A palette is of colours.
        let is_colour = !matches!(info.color_type, png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha);
        Head { size: [info.height as usize, info.width as usize], is_colour }
    } else if bytes.starts_with(JPEG) {
        jpeg_decoder(path, bytes)?.0
    } else {
        return Err(Error::data(path.display().to_string(), no_picture(bytes)));
    };
    check_size(path, head.size)?;
    Ok(head)
}

fn no_picture(bytes: &[u8]) -> String {
    let other = OTHERS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| *name);
    match other {
        Some(name) => format!("this is {name} file, and PNG and JPEG are read. Convert it"),
        None if bytes.is_empty() => "the file is empty, so it is no picture. Remove it, or get it again".to_owned(),
        None => {
            "this is no picture, as a PNG or JPEG file: every file in a folder of pictures is one. Remove it".to_owned()
        }
    }
}

fn damaged(path: &Path, cause: &dyn std::fmt::Display) -> Error {
    let message = format!("the picture is damaged or of a rare kind ({cause}). Save it again as PNG, or remove it");
    Error::data(path.display().to_string(), message)
}

fn check_size(path: &Path, [rows, columns]: [usize; 2]) -> Result<()> {
    let sides = 1..=MOST_SIDE;
    if sides.contains(&rows) && sides.contains(&columns) && rows * columns <= MOST_PIXELS {
        return Ok(());
    }
    let message = format!(
        "the picture has {rows} x {columns} pixels; read are 1 to {MOST_SIDE} in a row or a column and {MOST_PIXELS} in all. \
         Make it smaller"
    );
    Err(Error::data(path.display().to_string(), message))
}

fn png_decoder(bytes: &[u8]) -> png::Decoder<Cursor<&[u8]>> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: PNG_BYTES });
    // Palettes to colours, fewer than 8 bits to 8, a transparent colour to alpha; 16 bits stay.
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder
}

fn jpeg_decoder<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Head, JpegDecoder<ZCursor<&'a [u8]>>)> {
    // Strict: otherwise a file that ends too early is filled up with gray.
    let options = DecoderOptions::default()
        .set_max_width(MOST_SIDE)
        .set_max_height(MOST_SIDE)
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|e| damaged(path, &e))?;
    let (info, space) = (decoder.info(), decoder.input_colorspace());
    let (Some(info), Some(space)) = (info, space) else { return Err(damaged(path, &"no head")) };
    let is_colour = space != ColorSpace::Luma;
    if !is_colour {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    Ok((Head { size: [usize::from(info.height), usize::from(info.width)], is_colour }, decoder))
}

fn pixels(path: &Path, bytes: &[u8]) -> Result<Pixels> {
    let head = head(path, bytes)?;
    if !bytes.starts_with(PNG) {
        let (_, mut decoder) = jpeg_decoder(path, bytes)?;
        let decoded = decoder.decode().map_err(|e| damaged(path, &e))?;
        return Ok(Pixels {
            size: head.size,
            channels: if head.is_colour { 3 } else { 1 },
            bytes: decoded,
            wide: false,
        });
    }
    let mut reader = png_decoder(bytes).read_info().map_err(|e| damaged(path, &e))?;
    let (colour, depth) = reader.output_color_type();
    // 2^25 pixels of 8 bytes at most.
    let size = reader.output_buffer_size().unwrap_or(usize::MAX).min(8 * MOST_PIXELS);
    let mut decoded = vec![0; size];
    reader.next_frame(&mut decoded).map_err(|e| damaged(path, &e))?;
    reader.finish().map_err(|e| damaged(path, &e))?;
    Ok(Pixels { size: head.size, channels: colour.samples(), bytes: decoded, wide: depth == png::BitDepth::Sixteen })
}

impl Pixels {
    fn number(&self, at: usize) -> f64 {
        match self.wide {
            true => f64::from(u16::from_be_bytes([self.bytes[2 * at], self.bytes[2 * at + 1]])) / 65535.0,
            false => f64::from(self.bytes[at]) / 255.0,
        }
    }

    /// rows x columns x `channels`, 1 or 3, each from 0 to 1.
    fn values(&self, channels: usize) -> Vec<f32> {
        let count = self.size[0] * self.size[1];
        let mut values = Vec::with_capacity(count * channels);
        for pixel in 0..count {
            let first = pixel * self.channels;
            let alpha = if self.channels.is_multiple_of(2) { self.number(first + self.channels - 1) } else { 1.0 };
            let light = |channel: usize| self.number(first + channel) * alpha;
            match (self.channels >= 3, channels) {
                (true, 1) => values.push((0.299 * light(0) + 0.587 * light(1) + 0.114 * light(2)) as f32),
                (true, _) => values.extend((0..3).map(|channel| light(channel) as f32)),
                (false, _) => values.extend(std::iter::repeat_n(light(0) as f32, channels)),
            }
        }
        values
    }
}

/// The numbers of the picture in `bytes`, as `images` says, at the end of `out`: `size` rows and columns, channels.
///
/// # Errors
/// As [`head`]; also for a picture of another size where none are resized.
pub fn decode(path: &Path, bytes: &[u8], images: &Images, size: [usize; 2], out: &mut Vec<f64>) -> Result<()> {
    let found = head(path, bytes)?.size;
    if found != size && images.size.is_none() {
        let message = format!(
            "the picture has {} x {} pixels, the first one of the folder has {} x {}. Resize them all, by images = {{ size = \
             [{}, {}] }} in [data]",
            found[0], found[1], size[0], size[1], size[0], size[1]
        );
        return Err(Error::data(path.display().to_string(), message));
    }
    let mut values = pixels(path, bytes)?.values(images.channels);
    if found != size {
        values = resize(&values, images.channels, found, size, images.filter);
    }
    let normal = |(at, value): (usize, &f32)| {
        let channel = at % images.channels;
        (f64::from(*value) - images.mean[channel]) / images.std[channel]
    };
    out.extend(values.iter().enumerate().map(normal));
    Ok(())
}
