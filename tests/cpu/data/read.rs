//! Rows of a source in the order of the file, and those that are passed over.

use std::path::Path;
use wgrad::data::{Inputs, Tolerance};
use wgrad::testing::data::block::Block;
use wgrad::testing::data::csv::CsvSource;
use wgrad::testing::data::read::{Refusal, read_rows};
use wgrad::testing::data::source::CHUNK_BYTES;

fn source(text: impl Into<Vec<u8>>) -> CsvSource {
    CsvSource::new(Path::new("d.csv"), Box::new(std::io::Cursor::new(text.into()))).unwrap()
}

#[test]
fn rows_come_in_order_from_many_chunks() {
    let count = 300_000;
    let mut text = "a,b\n".to_owned();
    (0..count).for_each(|i| text.push_str(&format!("{i},{}\n", -i)));
    assert!(text.len() > 3 * CHUNK_BYTES);
    let mut next = 0;
    let mut take = |_: &Block, _: usize, x: &[f64]| {
        assert_eq!(x, [-f64::from(next), f64::from(next)]);
        next += 1;
        Ok(())
    };
    let rows = read_rows(&mut source(text), &Inputs::plain(&[1, 0]), &mut Tolerance::default(), &mut take).unwrap();
    assert_eq!((rows, next), (count as u64, count));
}

#[test]
fn as_many_rows_as_allowed_are_passed_over_in_the_order_of_the_file() {
    let text = b"a,y\n1,0\nx,0\n2,0\n3\n4,0\n5,bad\n\xff,0\n";
    let run = |allowed: usize| {
        let mut tolerance = Tolerance::new(allowed);
        let mut seen = Vec::new();
        let mut take = |block: &Block, row: usize, x: &[f64]| {
            block.number(row, 1).map_err(Refusal::Row)?;
            seen.push(x[0]);
            Ok(())
        };
        let rows = read_rows(&mut source(*text), &Inputs::plain(&[0]), &mut tolerance, &mut take);
        (rows, tolerance, seen)
    };
    let (rows, tolerance, seen) = run(4);
    assert_eq!((rows.unwrap(), seen), (3, vec![1.0, 2.0, 4.0]));
    let starts: Vec<&str> = tolerance.messages().iter().map(|m| m.split(' ').next().unwrap()).collect();
    assert_eq!(starts, ["d.csv:3,", "d.csv:5:", "d.csv:7,", "d.csv:8:"]);
    let message = run(2).0.unwrap_err().to_string();
    assert!(message.starts_with("d.csv:7, column \"y\": expected a number, found \"bad\""), "{message}");
    assert!(message.ends_with("as many as skip_bad_rows = 2 allows"), "{message}");
    let message = run(0).0.unwrap_err().to_string();
    assert!(message.starts_with("d.csv:3, column \"a\"") && !message.contains("skip"), "{message}");
}
