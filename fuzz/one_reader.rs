//! What every target does: the bytes go to a file, and a reader reads it.

#[path = "../tests/hostile/readers.rs"]
mod readers;

use std::path::PathBuf;
use std::sync::OnceLock;

/// Reads `bytes` by the reader `name`. Any result will do; a panic, a hang and too much memory are found by libFuzzer.
pub fn read(name: &str, bytes: &[u8]) {
    static PLACE: OnceLock<(PathBuf, fn(&std::path::Path) -> wgrad::Result<()>)> = OnceLock::new();
    let (path, reader) = PLACE.get_or_init(|| {
        let reader = readers::by_name(name);
        // In memory where there is such a place: a file is written for every input.
        let memory = std::path::Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("wgrad-fuzz-").tempdir_in(root).expect("a folder").keep();
        // The files of a run folder are only read where a run is.
        std::fs::write(folder.join("spec.toml"), "").expect("a file");
        (folder.join(reader.file), reader.read)
    });
    std::fs::write(path, bytes).expect("a file");
    let _ = reader(path);
}
