//! Folders of pictures: a sub-folder for each class, PNG and JPEG files in it, each a sample.
//!
//! A picture becomes numbers from 0 to 1 (8 bits divided by 255, 16 bits by 65535), row by row, the channels of a pixel side
//! by side, then normalised: (value - mean) / std. What is transparent is laid over black. Gray is made of colours by
//! L = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, as Pillow's `convert("L")` and torchvision). Neither colour profiles nor
//! the orientation of EXIF are applied, as there.

#[cfg(feature = "images")]
mod decode;
pub(crate) mod folder;
#[cfg(feature = "images")]
mod look;
#[cfg(feature = "images")]
pub(crate) mod resize;
#[cfg(feature = "images")]
pub(crate) mod source;

pub(crate) use folder::{CLASS, Folder};
#[cfg(feature = "images")]
pub use look::{Look, look};
#[cfg(feature = "images")]
pub(crate) use source::PictureSource;

use super::source::Source;
use crate::error::{Error, Result};
use crate::spec::DataFile;

/// Rows or columns of a sample at most.
pub(crate) const MOST_SIDE: usize = 2048;
/// Numbers of a sample at most, as for arrays: each is a column.
pub(crate) const MOST_NUMBERS: usize = 1 << 22;

/// How pictures become samples: `data.images`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Images {
    /// Rows and columns that every picture is resized to; without it all must have those of the first.
    pub size: Option<[usize; 2]>,
    /// 1 for gray, 3 for red, green and blue.
    pub channels: usize,
    /// How pictures are resized.
    pub filter: Filter,
    /// Subtracted from each channel; of gray the first counts.
    pub mean: [f64; 3],
    /// Each channel is divided by it, after that; of gray the first counts.
    pub std: [f64; 3],
}

impl Default for Images {
    fn default() -> Images {
        // Three channels lose nothing; the filter is torchvision's and Keras's default.
        Images { size: None, channels: 3, filter: Filter::Bilinear, mean: [0.0; 3], std: [1.0; 3] }
    }
}

/// The filters of Pillow that resize; all but nearest see every pixel (they are stretched where a picture shrinks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// The pixel in whose place the new one's centre lies.
    Nearest,
    /// Means of the pixels under the new one.
    Box,
    /// A triangle.
    #[default]
    Bilinear,
    /// Keys's cubic with a = -1/2.
    Bicubic,
    /// A sinc, windowed by a wider one, over three lobes.
    Lanczos,
}

named!(Filter: Nearest "nearest", Box "box", Bilinear "bilinear", Bicubic "bicubic", Lanczos "lanczos");

/// Opens a folder of pictures.
///
/// # Errors
/// [`Error::Data`] for a folder that is none of pictures; always where the program was built without the feature `images`.
pub(crate) fn open(file: &DataFile) -> Result<Box<dyn Source>> {
    #[cfg(feature = "images")]
    return Ok(Box::new(PictureSource::open(&file.path, file.images.unwrap_or_default())?));
    #[cfg(not(feature = "images"))]
    Err(without_feature(&file.path))
}

/// What is said of a folder where the program was built without the feature `images`.
#[cfg_attr(feature = "images", expect(dead_code, reason = "the other build says it"))]
pub(crate) fn without_feature(path: &std::path::Path) -> Error {
    let message = "this is a folder, and folders of pictures are read by the feature `images`, without which this wgrad was \
                   built. Build it with `--features images`, or name a file";
    Error::data(path.display().to_string(), message)
}

/// Refuses to train on a folder in which there is nothing to tell apart.
///
/// # Errors
/// [`Error::Data`] for pictures without sub-folders, and for one class.
pub(crate) fn require_classes(file: &DataFile) -> Result<()> {
    if file.labels.is_some() || !file.path.is_dir() {
        return Ok(());
    }
    let folder = Folder::open(&file.path)?;
    let message = match folder.classes() {
        [] => {
            "the pictures lie in no sub-folders, so nothing says what they show. Put them into a folder for each class"
                .to_owned()
        }
        [only] => {
            format!("there is one class, \"{only}\", so there is nothing to learn. Add the folder of another one")
        }
        _ => return Ok(()),
    };
    Err(Error::data(file.path.display().to_string(), message))
}
