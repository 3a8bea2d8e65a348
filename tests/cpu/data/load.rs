//! What a training file may take of memory.

use wgrad::data::{Columns, TargetRule, Tolerance};
use wgrad::graph::Loss;
use wgrad::spec::DataFile;
use wgrad::testing::data::load::read_within;

#[test]
fn a_file_takes_no_more_memory_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.csv");
    std::fs::write(&path, format!("a,y\n{}", "1,2\n".repeat(1000))).unwrap();
    let rule = TargetRule { loss: Loss::Mse, outputs: 1 };
    let read = |bytes: u64| {
        let (file, target) = (DataFile::at(&path), ["y".to_owned()]);
        read_within(bytes, &file, &Columns::default(), &target, rule, &mut Tolerance::default())
    };
    assert_eq!(read(8000).unwrap().0.rows, 1000);
    let message = read(7999).unwrap_err().to_string();
    assert!(message.contains("d.csv: its first 1000 rows take"), "{message}");
}
