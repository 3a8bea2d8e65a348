//! Rows in a file.

use std::path::Path;
use wgrad::data::CacheWriter;
use wgrad::testing::data::order::Windows;

#[test]
fn windows_of_the_file_are_the_rows_of_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = CacheWriter::new(folder.path(), 3).unwrap();
    (0..100u32).for_each(|i| writer.push(&[i, 2 * i, 3 * i]).unwrap());
    assert!(writer.push(&[1, 2]).is_err());
    let cache = writer.finish().unwrap();
    assert_eq!((cache.rows(), cache.size_bytes()), (100, 1200));
    assert_eq!(cache.folder(), folder.path());
    // Nothing of it can be seen, so that nothing is left of it.
    assert!(!cfg!(unix) || std::fs::read_dir(folder.path()).unwrap().count() == 0);
    let order = Windows { rows: 100, block: 7, window: 32 }.epoch(3, 1);
    for w in 0..order.count() {
        let mut rows = vec![0; order.window(w).places.len()];
        let put = &mut |place: usize, row: &[u32]| {
            assert_eq!((row[1], row[2]), (2 * row[0], 3 * row[0]));
            rows[place] = row[0];
        };
        cache.read_window(&order.window(w), &mut Vec::new(), put).unwrap();
        assert_eq!(rows, order.rows_of(w));
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let message = CacheWriter::new(Path::new("/no such folder"), 2).err().unwrap().to_string();
    assert!(message.starts_with("/no such folder: ") && message.contains("data.memory"), "{message}");
}
