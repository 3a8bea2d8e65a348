//! CSV files cut into chunks.

use std::io::Read;
use std::path::Path;
use wgrad::Result;
use wgrad::testing::data::csv::CsvSource;
use wgrad::testing::data::source::{CHUNK_BYTES, Source};

/// Hands out a few bytes a call, as a slow pipe may.
struct Trickle(std::io::Cursor<Vec<u8>>);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let end = buffer.len().min(997);
        self.0.read(&mut buffer[..end])
    }
}

/// Column names, cells by row, places of the rows.
type Cells = (Vec<String>, Vec<Vec<String>>, Vec<String>);

fn read(text: &[u8]) -> Result<Cells> {
    let input = Trickle(std::io::Cursor::new(text.to_vec()));
    let mut source = CsvSource::new(Path::new("d.csv"), Box::new(input))?;
    let columns = source.header().columns.clone();
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    while let Some(chunk) = source.next_chunk()? {
        let mut block = chunk()?;
        if let Some(fault) = block.take_faults().into_iter().next() {
            return Err(fault.error);
        }
        for row in 0..block.rows() {
            rows.push((0..columns.len()).map(|c| block.text(row, c).into_owned()).collect());
            places.push(block.place(row, 0));
        }
    }
    Ok((columns, rows, places))
}

#[test]
fn cells_are_trimmed_and_quotes_are_removed() {
    let (columns, rows, _) = read("\u{feff}a,\"b, c\" , d\n 1 ,\"x \"\"y\"\"\",3\n".as_bytes()).unwrap();
    assert_eq!(columns, ["a", "b, c", "d"]);
    assert_eq!(rows, [["1", "x \"y\"", "3"]]);
}

#[test]
fn lines_are_those_of_the_file_for_every_kind_of_line_break() {
    for text in [
        "a,b\n1,2\n\n\n3,4\n\"x\ny\",6\n7,8",
        "a,b\r\n1,2\r\n\r\n\r\n3,4\r\n\"x\r\ny\",6\r\n7,8\r\n",
        "a,b\n1,2\n\r\n\n3,4\r\n\"x\r\ny\",6\n7,8\r\n\r\n",
    ] {
        let lines = [2, 5, 6, 8].map(|line| format!("d.csv:{line}, column \"a\""));
        assert_eq!(read(text.as_bytes()).unwrap().2, lines, "{text:?}");
    }
    assert_eq!(read(b"\n\na,b\n1,2\n").unwrap().2, ["d.csv:4, column \"a\""]);
}

#[test]
fn chunks_are_cut_between_rows_wherever_quotes_and_line_breaks_stand() {
    // Rows of different lengths over several chunks; every seventh has line breaks within quotes.
    for end in ["\n", "\r\n", "\r"] {
        let row = |i: usize| match i % 7 {
            0 => format!("{i},\"q{end}{end}\"\"{i}\"{end}"),
            _ => format!("{i},{}{end}", "z".repeat(7 * i % 5000)),
        };
        let count = 2000;
        let text = format!("a,b{end}{}", (0..count).map(row).collect::<String>());
        assert!(text.len() > 3 * CHUNK_BYTES);
        let (_, rows, places) = read(text.as_bytes()).unwrap();
        assert_eq!(rows.len(), count);
        let breaks = if end.contains('\n') { 2 } else { 0 };
        let mut line = if end.contains('\n') { 2 } else { 1 };
        for (i, (row, place)) in rows.iter().zip(places).enumerate() {
            assert_eq!(row[0], i.to_string());
            assert_eq!(place, format!("d.csv:{line}, column \"a\""));
            line += if end == "\r" { 0 } else { 1 };
            line += if i % 7 == 0 { breaks } else { 0 };
        }
    }
}

#[test]
fn a_file_without_an_end_or_a_row_without_one_is_refused() {
    for byte in [0, b'1', b'"'] {
        let message = CsvSource::new(Path::new("d.csv"), Box::new(std::io::repeat(byte))).err().unwrap().to_string();
        assert!(message.starts_with("d.csv:1: ") && message.contains("longer than 64 MiB"), "{message}");
    }
    let open_quote = std::io::Cursor::new(b"a,b\n1,2\n1,\"3\n".to_vec()).chain(std::io::repeat(b'\n'));
    let mut source = CsvSource::new(Path::new("d.csv"), Box::new(open_quote)).unwrap();
    let mut next = || source.next_chunk();
    let message = loop {
        match next() {
            Ok(chunk) => assert!(chunk.is_some()),
            Err(error) => break error.to_string(),
        }
    };
    assert!(message.starts_with("d.csv:3: "), "{message}");
}
