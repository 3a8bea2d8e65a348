//! What stands in the place of the readers of CSV, gzip and npz where the crate is built without the feature `files`.

use super::source::Source;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

const MESSAGE: &str = "CSV, gzip and npz are read by the feature `files`, without which this wgrad was built. Build it with \
                       `--features files`, or write an npy or safetensors file";

fn without_feature(path: &Path) -> Error {
    Error::data(path.display().to_string(), MESSAGE)
}

/// See the module.
pub fn gunzip(_: File) -> Box<dyn Read + Send> {
    struct Unread;
    impl Read for Unread {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other(MESSAGE))
        }
    }
    Box::new(Unread)
}

/// See the module.
pub mod csv {
    use super::{Path, Result, Source, without_feature};

    /// See the module.
    ///
    /// # Errors
    /// Always.
    pub fn open(path: &Path, _: bool) -> Result<Box<dyn Source>> {
        Err(without_feature(path))
    }
}

/// See the module.
pub mod npz {
    use super::{Path, Read, Result, without_feature};
    use crate::data::arrays::Found;

    /// There is none.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Member {}

    /// See the module.
    ///
    /// # Errors
    /// Always.
    pub fn arrays(path: &Path, _: u64) -> Result<Found> {
        Err(without_feature(path))
    }

    /// Never called, because there is no member.
    ///
    /// # Errors
    /// Never.
    pub fn open(_: &Path, member: &Member) -> Result<Box<dyn Read + Send>> {
        match *member {}
    }
}
