//! Files of arrays: IDX (plain or gzip), npy, npz and safetensors.
//!
//! A file is opened by its headers alone: names, types, shapes, each checked against what the file can hold before
//! anything is allocated. Rows come in blocks, so that neither a large file nor a small one that unpacks to a large one
//! has to fit into memory.

pub mod element;
pub mod idx;
mod layout;
pub mod npy;
#[cfg(feature = "files")]
mod npz;
mod rows;
mod safetensors;
mod source;

pub use element::{bfloat16, float16};
pub use layout::Layout;
pub use rows::RowReader;
pub use source::{ArraySource, TARGETS};

use super::nearest::{did_you_mean, quoted_list};
use super::open::{Kind, gunzip};
#[cfg(not(feature = "files"))]
use super::without_files::npz;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Deflate unpacks no byte to more than this many. Source: zlib's technical details, "Maximum Compression Factor": 1032:1.
pub(super) const DEFLATE_RATIO: u64 = 1032;

/// An array of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// Its name in the file, where the format has names.
    pub name: Option<String>,
    /// Type and shape.
    pub layout: Layout,
    store: Store,
}

/// Where an array's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Store {
    /// In the file, from this byte on.
    Plain { start: u64 },
    /// In a gzip file, from this byte of its content on.
    Gzip { start: u64 },
    /// In an archive, behind the npy header.
    #[cfg_attr(not(feature = "files"), expect(dead_code, reason = "the reader of archives makes it"))]
    Member(npz::Member),
}

/// The arrays of a file, and what it holds beside that cannot be read: why, for the case that it is asked for.
pub type Found = (Vec<Array>, Vec<String>);

/// The arrays of a file.
#[derive(Debug)]
pub struct ArrayFile {
    path: PathBuf,
    arrays: Vec<Array>,
    /// What the file holds beside that cannot be read, and why.
    left_out: Vec<String>,
}

impl ArrayFile {
    /// Opens the file at `path`, which [`sniff`](super::sniff) took for `kind`, and reads its headers.
    ///
    /// # Errors
    /// [`Error::Data`] where it is of another format, damaged, or holds no array that can be read.
    pub fn open(path: &Path, kind: Kind, gzip: bool) -> Result<ArrayFile> {
        let place = path.display().to_string();
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let file_bytes = file.metadata().map_err(|e| Error::io(path, e))?.len();
        let (arrays, left_out) = match kind {
            Kind::Npz => npz::arrays(path, file_bytes)?,
            Kind::Safetensors => safetensors::arrays(&place, &mut BufReader::new(file), file_bytes)?,
            Kind::Idx | Kind::Npy => {
                let mut reader: Box<dyn Read> = if gzip { gunzip(file) } else { Box::new(BufReader::new(file)) };
                let header = if kind == Kind::Idx { idx::header } else { npy::header };
                let (layout, start) = header(&place, &mut reader)?;
                let content = if gzip { file_bytes.saturating_mul(DEFLATE_RATIO) } else { file_bytes };
                layout.fits(&place, content.saturating_sub(start))?;
                let store = if gzip { Store::Gzip { start } } else { Store::Plain { start } };
                (vec![Array { name: None, layout, store }], Vec::new())
            }
            Kind::Csv | Kind::Parquet => return Err(Error::Internal(format!("{place} is a table, opened as arrays"))),
        };
        let found = ArrayFile { path: path.to_path_buf(), arrays, left_out };
        if found.arrays.is_empty() {
            return Err(Error::data(place, format!("the file holds no array that can be read. {}", found.describe())));
        }
        Ok(found)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The arrays, in the order of the file, at least one.
    pub fn arrays(&self) -> &[Array] {
        &self.arrays
    }

    /// `file, array "x"`, or the file alone where the format has no names.
    pub fn place(&self, array: &Array) -> String {
        match &array.name {
            Some(name) => format!("{}, array \"{name}\"", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// The array `name`.
    ///
    /// # Errors
    /// [`Error::Data`] with what there is.
    pub fn array(&self, name: &str) -> Result<&Array> {
        let names = || self.arrays.iter().filter_map(|a| a.name.as_deref());
        self.arrays.iter().find(|a| a.name.as_deref() == Some(name)).ok_or_else(|| {
            let near = did_you_mean(name, names());
            let message = format!("no array {} in this file{near} {}", quoted_list(&[name]), self.describe());
            Error::data(self.path.display().to_string(), message)
        })
    }

    /// Refuses a file that holds something that cannot be read, where all of it was asked for.
    ///
    /// # Errors
    /// [`Error::Data`] with the reason and what to write instead.
    pub fn refuse_unreadable(&self) -> Result<()> {
        let Some(why) = self.left_out.first() else { return Ok(()) };
        let name = self.arrays[0].name.as_deref().unwrap_or("x");
        let file = self.path.display();
        let message =
            format!("{why}. To leave it out, name the arrays that are meant: {{ x = \"{file}#{name}\", y = .. }}");
        Err(Error::data(file.to_string(), message))
    }

    /// What the file holds, in words: names, shapes and types.
    pub fn describe(&self) -> String {
        /// As many as a reader looks through.
        const SHOWN: usize = 20;
        let arrays = self.arrays.iter().map(|a| match &a.name {
            Some(name) => format!("\"{name}\" ({})", a.layout.describe()),
            None => format!("one array ({})", a.layout.describe()),
        });
        let mut parts: Vec<String> =
            arrays.chain(self.left_out.iter().map(|why| format!("not readable: {why}"))).collect();
        let rest = parts.len().saturating_sub(SHOWN);
        parts.truncate(SHOWN);
        if rest > 0 {
            parts.push(format!("{rest} more"));
        }
        if parts.is_empty() { "It is empty".to_owned() } else { format!("It holds {}", parts.join(", ")) }
    }

    /// A reader of the array's rows, from the first one on.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] where the file is no longer what it was.
    pub fn rows(&self, array: &Array) -> Result<RowReader> {
        let place = self.place(array);
        let failed = |e| Error::io(&self.path, e);
        let bytes: Box<dyn Read + Send> = match &array.store {
            Store::Plain { start } => {
                let mut file = File::open(&self.path).map_err(failed)?;
                file.seek(SeekFrom::Start(*start)).map_err(failed)?;
                Box::new(file)
            }
            Store::Gzip { start } => {
                let mut bytes = gunzip(File::open(&self.path).map_err(failed)?);
                std::io::copy(&mut (&mut bytes).take(*start), &mut std::io::sink()).map_err(failed)?;
                bytes
            }
            Store::Member(member) => {
                let mut bytes = npz::open(&self.path, member)?;
                npy::header(&place, &mut bytes)?;
                bytes
            }
        };
        // Only where nothing else follows can the end be held against the header.
        let last = !matches!(array.store, Store::Plain { .. }) || array.name.is_none();
        RowReader::new(place, array.layout.clone(), bytes, last)
    }
}
