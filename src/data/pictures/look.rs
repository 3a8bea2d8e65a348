//! What a folder of pictures holds: their heads are read, no pixel is decoded.

use super::Folder;
use super::decode::head;
use super::source::read;
use crate::error::Result;
use std::collections::BTreeMap;
use std::path::Path;

/// A folder, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The classes, and how many pictures each has; empty where there are no sub-folders.
    pub classes: Vec<(String, u64)>,
    /// Pictures that can be read.
    pub pictures: u64,
    /// Those in gray.
    pub gray: u64,
    /// The sizes, rows and columns, and how often each occurs.
    pub sizes: BTreeMap<[usize; 2], u64>,
    /// Files that are no picture that can be read.
    pub unreadable: u64,
}

/// Looks at a folder of pictures.
///
/// # Errors
/// As [`Folder::open`]; the first file's, where no file can be read.
pub fn look(path: &Path) -> Result<Look> {
    let folder = Folder::open(path)?;
    let classes = folder.classes().iter().map(|class| (class.clone(), 0)).collect();
    let mut found = Look { classes, pictures: 0, gray: 0, sizes: BTreeMap::new(), unreadable: 0 };
    let mut first_error = None;
    for picture in 0..folder.count() {
        let path = folder.file(picture);
        match read(&path).and_then(|bytes| head(&path, &bytes)) {
            Ok(head) => {
                found.pictures += 1;
                found.gray += u64::from(!head.is_colour);
                *found.sizes.entry(head.size).or_default() += 1;
                let class = folder.class(picture).and_then(|name| found.classes.iter_mut().find(|(c, _)| c == name));
                class.into_iter().for_each(|(_, count)| *count += 1);
            }
            Err(error) => {
                found.unreadable += 1;
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if found.pictures == 0 => Err(error),
        _ => Ok(found),
    }
}
