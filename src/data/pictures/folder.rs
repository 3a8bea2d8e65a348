//! What lies in a folder of pictures.

use crate::data::open::unreadable;
use crate::data::source::MAX_ROWS;
use crate::error::{Error, Result};
use crate::nn::digest::{Fields, of_file};
use std::path::{Path, PathBuf};

/// The column of the sub-folder's name.
pub const CLASS: &str = "class";
/// What file managers leave behind; names that begin with a dot are passed over, too.
const LEFT_BEHIND: [&str; 2] = ["Thumbs.db", "desktop.ini"];

/// The pictures of a folder, class by class, both in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
    classes: Vec<String>,
    /// The class of each picture (0 where there are none) and its name.
    files: Vec<(u32, String)>,
}

impl Folder {
    /// Lists a folder: sub-folders with pictures, or pictures alone.
    ///
    /// # Errors
    /// [`Error::Data`] where it cannot be listed, holds both, or nothing; where a sub-folder is empty or has folders itself;
    /// for names that are not UTF-8.
    pub fn open(path: &Path) -> Result<Folder> {
        let (folders, files) = list(path)?;
        let wrong = |message: String| Err(Error::data(path.display().to_string(), message));
        let mut folder = Folder { path: path.to_path_buf(), classes: folders, files: Vec::new() };
        match (&folder.classes[..], files.first()) {
            ([], None) => {
                return wrong("the folder is empty. Put a folder with pictures into it for each class".into());
            }
            ([first, ..], Some(file)) => {
                return wrong(format!(
                    "the file {file} lies beside the folders of classes, such as {first}. Remove it, or put it into one"
                ));
            }
            ([], Some(_)) => folder.files = files.into_iter().map(|name| (0, name)).collect(),
            _ => {}
        }
        for (number, class) in (0..).zip(&folder.classes) {
            let place = path.join(class);
            let (folders, files) = list(&place)?;
            let message = match (folders.first(), files.is_empty()) {
                (Some(inner), _) => {
                    format!("the folder {inner} lies in that of a class. Put its pictures directly into the class's")
                }
                (None, true) => "the folder of this class holds no picture. Add some, or remove it".to_owned(),
                (None, false) => {
                    folder.files.extend(files.into_iter().map(|name| (number, name)));
                    continue;
                }
            };
            return Err(Error::data(place.display().to_string(), message));
        }
        if folder.files.len() as u64 > MAX_ROWS {
            return wrong(format!("more than the {MAX_ROWS} pictures that can be numbered. Divide the folder"));
        }
        Ok(folder)
    }

    /// The names of the sub-folders, sorted; empty where the pictures lie in the folder itself.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Number of pictures.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// The class of a picture, where it has one.
    pub fn class(&self, picture: usize) -> Option<&str> {
        self.classes.get(self.files[picture].0 as usize).map(String::as_str)
    }

    /// A picture's name, seen from the folder: `cat/1.png`.
    pub fn name(&self, picture: usize) -> String {
        let (_, name) = &self.files[picture];
        self.class(picture).map_or_else(|| name.clone(), |class| format!("{class}/{name}"))
    }

    /// A picture's path.
    pub fn file(&self, picture: usize) -> PathBuf {
        let (_, name) = &self.files[picture];
        self.class(picture).map_or_else(|| self.path.join(name), |class| self.path.join(class).join(name))
    }

    /// Bytes of all pictures, and the SHA-256 of their names and contents: another where one is changed, added or removed.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Data`] for what cannot be read.
    pub fn digest(&self) -> Result<(u64, String)> {
        let (mut bytes, mut fields) = (0, Fields::new());
        for picture in 0..self.count() {
            let path = self.file(picture);
            refuse_endless(&path)?;
            let (size, sha256) = of_file(&path)?;
            bytes += size;
            fields.bytes(self.name(picture).as_bytes());
            fields.bytes(sha256.as_bytes());
        }
        Ok((bytes, fields.finish()))
    }
}

/// Refuses a pipe or a device before it is opened: opening a pipe waits for a writer.
pub(super) fn refuse_endless(path: &Path) -> Result<()> {
    let found = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if found.is_file() {
        return Ok(());
    }
    Err(Error::data(path.display().to_string(), "this is a device or a pipe, not a picture. Remove it"))
}

/// Names of the folders and of the files in a folder, sorted.
fn list(path: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let failed = |e| unreadable(path, &e);
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            let message = "the name is not UTF-8. Rename it";
            return Err(Error::data(entry.path().display().to_string(), message));
        };
        if name.starts_with('.') || LEFT_BEHIND.iter().any(|left| name.eq_ignore_ascii_case(left)) {
            continue;
        }
        // Links are followed.
        let found = std::fs::metadata(entry.path()).map_err(|e| unreadable(&entry.path(), &e))?;
        if found.is_dir() { &mut folders } else { &mut files }.push(name);
    }
    folders.sort_unstable();
    files.sort_unstable();
    Ok((folders, files))
}
