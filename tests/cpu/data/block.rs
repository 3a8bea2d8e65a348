//! Cells of blocks, and where they are.

use std::sync::Arc;
use wgrad::testing::data::block::Block;
use wgrad::testing::data::source::Header;

fn header() -> Arc<Header> {
    let columns = vec!["a".to_owned(), "b".to_owned()];
    Arc::new(Header { path: "d.csv".into(), columns, line: Some(1), pictures: None })
}

#[test]
fn numbers_are_finite() {
    let mut block = Block::of_text(header());
    for (line, row) in [(2, ["-1.5e3", ".5"]), (3, ["nan", "-inf"]), (4, ["1e39", "12abc"]), (5, ["", "+7"])] {
        block.push_line(line, row);
    }
    assert_eq!(block.number(0, 0).unwrap(), -1500.0);
    assert_eq!(block.number(0, 1).unwrap(), 0.5);
    assert_eq!(block.number(3, 1).unwrap(), 7.0);
    for (row, column, expected) in [
        (1, 0, "d.csv:3, column \"a\": expected a finite number, found \"nan\""),
        (1, 1, "d.csv:3, column \"b\": expected a finite number, found \"-inf\""),
        (2, 0, "d.csv:4, column \"a\": 1e39 is beyond the range"),
        (2, 1, "d.csv:4, column \"b\": expected a number, found \"12abc\""),
        (3, 0, "d.csv:5, column \"a\": expected a number, found an empty cell"),
    ] {
        let message = block.number(row, column).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn numbers_of_a_binary_file_are_known_by_their_row() {
    let block = Block::of_numbers(header(), 10, vec![1.0, 2.0, f64::NAN, 1e300]);
    assert_eq!((block.rows(), block.number(0, 1).unwrap()), (2, 2.0));
    let message = block.number(1, 0).unwrap_err().to_string();
    assert!(message.starts_with("d.csv, row 11, column \"a\": expected a finite number"), "{message}");
    let message = block.number(1, 1).unwrap_err().to_string();
    assert!(message.contains("beyond the range"), "{message}");
    assert_eq!(block.text(0, 1), "2");
}
