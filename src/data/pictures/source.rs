//! A folder of pictures as a source of samples.

use super::decode::{decode, head};
use super::folder::refuse_endless;
use super::{CLASS, Folder, Images, MOST_NUMBERS};
use crate::data::block::{Block, Slots};
use crate::data::open::{read_whole, unreadable};
use crate::data::source::{CHUNK_BYTES, Chunk, Header, Source};
use crate::error::{Error, Result};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Bytes of a file at most: a picture of [`MOST_PIXELS`](super::decode::MOST_PIXELS) has fewer in any sensible format.
const FILE_BYTES: u64 = 128 << 20;
/// Files beyond this are decoded one at a time, so that memory is bounded by one such picture, not by one a thread. A small
/// file of many pixels is told by its head.
const LARGE_PIXELS: usize = 1 << 22;

/// Pictures, class by class.
pub struct PictureSource {
    header: Arc<Header>,
    slots: Slots,
    folder: Arc<Folder>,
    images: Images,
    size: [usize; 2],
    /// The picture that comes next.
    next: usize,
    large: Arc<Mutex<()>>,
}

impl PictureSource {
    /// Lists the folder, and looks at the first picture where no size is given.
    ///
    /// # Errors
    /// As [`Folder::open`]; [`Error::Data`] for a first picture that cannot be read.
    pub fn open(path: &Path, images: Images) -> Result<PictureSource> {
        let folder = Folder::open(path)?;
        let first = folder.file(0);
        let size = match images.size {
            Some(size) => size,
            None => head(&first, &read(&first)?)?.size,
        };
        let [rows, columns] = size;
        if rows * columns * images.channels > MOST_NUMBERS {
            return Err(Error::data(
                first.display().to_string(),
                format!(
                    "the picture has {rows} x {columns} pixels, and a sample may have {MOST_NUMBERS} numbers. Make them \
                     smaller, by images = {{ size = [224, 224] }} in [data]"
                ),
            ));
        }
        let mut names = Vec::with_capacity(rows * columns * images.channels + 1);
        for row in 0..rows {
            for column in 0..columns {
                match images.channels {
                    1 => names.push(format!("pixel[{row},{column}]")),
                    channels => names.extend((0..channels).map(|c| format!("pixel[{row},{column},{c}]"))),
                }
            }
        }
        let numbers = names.len();
        if !folder.classes().is_empty() {
            names.push(CLASS.to_owned());
        }
        let slots = Slots::mixed((0..names.len()).map(|column| column == numbers));
        let pictures = Some([rows, columns, images.channels]);
        let header = Header { path: path.to_path_buf(), columns: names, line: None, pictures };
        Ok(PictureSource {
            header: Arc::new(header),
            slots,
            folder: Arc::new(folder),
            images,
            size,
            next: 0,
            large: Arc::default(),
        })
    }
}

impl Source for PictureSource {
    fn header(&self) -> &Arc<Header> {
        &self.header
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let (first, left) = (self.next, self.folder.count() - self.next);
        if left == 0 {
            return Ok(None);
        }
        let count = (CHUNK_BYTES / (8 * self.header.columns.len())).max(1).min(left);
        self.next += count;
        let (header, slots) = (Arc::clone(&self.header), self.slots.clone());
        let (folder, large) = (Arc::clone(&self.folder), Arc::clone(&self.large));
        let (images, size) = (self.images, self.size);
        Ok(Some(Box::new(move || {
            let mut block = Block::of_files(header, slots);
            for picture in first..first + count {
                let path = folder.file(picture);
                let mut numbers = Vec::new();
                match numbers_of(&path, &images, size, &large, &mut numbers) {
                    Ok(()) => block.push_file(path, numbers, folder.class(picture)),
                    Err(error) => block.push_fault(error),
                }
            }
            Ok(block)
        })))
    }
}

/// The numbers of one picture, resized to `size`.
///
/// # Errors
/// [`Error::Data`] for what is no picture that can be read.
#[cfg(feature = "testing")]
pub fn numbers(path: &Path, images: &Images, size: [usize; 2]) -> Result<Vec<f64>> {
    let mut out = Vec::new();
    numbers_of(path, images, size, &Mutex::default(), &mut out)?;
    Ok(out)
}

fn numbers_of(path: &Path, images: &Images, size: [usize; 2], large: &Mutex<()>, out: &mut Vec<f64>) -> Result<()> {
    let bytes = read(path)?;
    let [rows, columns] = head(path, &bytes)?.size;
    // A thread that failed leaves nothing behind that matters here.
    let alone = || large.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let _alone = (rows * columns > LARGE_PIXELS).then(alone);
    decode(path, &bytes, images, size, out)
}

/// The bytes of a picture's file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    refuse_endless(path)?;
    read_whole(path, FILE_BYTES).map_err(|e| unreadable(path, &e))
}
