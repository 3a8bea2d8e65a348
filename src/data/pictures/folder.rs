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
    pub(crate) fn len(&self) -> usize {
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
        for picture in 0..self.len() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            if file.ends_with('/') {
                std::fs::create_dir_all(path).unwrap();
            } else {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, file).unwrap();
            }
        }
        root
    }

    #[test]
    fn classes_and_pictures_are_sorted_by_name() {
        let root = tree(&["dog/2", "dog/10", "cat/b", "cat/a", "cat/.hidden", "cat/thumbs.db", ".git/x"]);
        let folder = Folder::open(root.path()).unwrap();
        assert_eq!(folder.classes(), ["cat", "dog"]);
        let names: Vec<String> = (0..folder.len()).map(|i| folder.name(i)).collect();
        assert_eq!(names, ["cat/a", "cat/b", "dog/10", "dog/2"]);
        assert_eq!((folder.class(1), folder.class(2)), (Some("cat"), Some("dog")));
        let flat = Folder::open(&root.path().join("dog")).unwrap();
        assert_eq!((flat.classes().len(), flat.name(1), flat.class(0)), (0, "2".to_owned(), None));
    }

    #[test]
    fn what_is_no_folder_of_pictures_is_refused_with_the_place() {
        for (files, expected) in [
            (&["a/"][..], "a: the folder of this class holds no picture"),
            (&["a/x", "y"], "the file y lies beside the folders of classes, such as a"),
            (&["a/b/x"], "a: the folder b lies in that of a class"),
            (&[".hidden"], "the folder is empty"),
        ] {
            let root = tree(files);
            let message = Folder::open(root.path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_digest_notices_every_change() {
        let root = tree(&["a/1", "a/2", "b/3"]);
        let digest = || Folder::open(root.path()).unwrap().digest().unwrap();
        let first = digest();
        assert_eq!(first.0, 9);
        std::fs::write(root.path().join("b/3"), "b/4").unwrap();
        let changed = digest();
        std::fs::write(root.path().join("b/5"), "").unwrap();
        let added = digest();
        std::fs::rename(root.path().join("b/5"), root.path().join("b/6")).unwrap();
        let renamed = digest();
        std::fs::remove_file(root.path().join("b/6")).unwrap();
        std::fs::write(root.path().join("b/3"), "b/3").unwrap();
        let all = [&first, &changed, &added, &renamed].map(|(_, sha256)| sha256);
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])), "{all:?}");
        assert_eq!(digest(), first);
    }
}
