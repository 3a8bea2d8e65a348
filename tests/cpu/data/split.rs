//! Which rows train and which validate.

use std::path::Path;
use wgrad::data::split_rows;

#[test]
fn every_row_is_on_one_side() {
    for (rows, fraction, held_out) in [(10, 0.2, 2), (1797, 0.2, 359), (2, 0.01, 1), (2, 0.99, 1), (3, 0.5, 2)] {
        let (train, validation) = split_rows(rows, fraction, 5, Path::new("d.csv")).unwrap();
        assert_eq!(validation.len(), held_out, "{rows} rows");
        let mut all: Vec<u32> = train.iter().chain(&validation).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..rows as u32).collect::<Vec<_>>());
    }
}

#[test]
fn the_seed_decides_and_one_row_cannot_be_split() {
    let path = Path::new("d.csv");
    assert_eq!(split_rows(50, 0.3, 1, path).unwrap(), split_rows(50, 0.3, 1, path).unwrap());
    assert_ne!(split_rows(50, 0.3, 1, path).unwrap(), split_rows(50, 0.3, 2, path).unwrap());
    let message = split_rows(1, 0.3, 1, path).unwrap_err().to_string();
    assert!(message.starts_with("d.csv: ") && message.contains("found 1"), "{message}");
}
