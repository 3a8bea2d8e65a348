//! Parquet files: columns of numbers, truth values and text, read some rows at a time, row group by row group.
//!
//! A truth value is 0 or 1, a decimal its value, a date or a time the whole number that the file has (days, or parts of a second,
//! since 1970); what is null is a missing value. Nested columns are refused, as are codecs that are not written in Rust.

use super::block::{Block, Slots};
use super::open::unreadable;
use super::source::{CHUNK_BYTES, Chunk, Header, Source, first_repeated};
use crate::error::{Error, Result};
use parquet::basic::{Compression, ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Columns at most, as numbers of a row of an array.
const MOST_COLUMNS: usize = 1 << 22;
/// Rows read at a time where there is text, whose length nobody knows before.
const TEXT_ROWS: usize = 1024;

/// How the numbers of a column are meant.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    /// As they stand, divided by this.
    Number { divisor: f64 },
    /// Whole numbers without a sign.
    Unsigned,
    /// Words.
    Text,
}

/// A Parquet file that has been opened: its footer is read.
pub struct ParquetSource {
    header: Arc<Header>,
    file: SerializedFileReader<File>,
    meanings: Vec<Meaning>,
    slots: Slots,
    /// The row group that comes next.
    group: usize,
    /// The columns of the one before, and how many of its rows are left.
    readers: Vec<ColumnReader>,
    left: usize,
    /// 0-based row of the file that comes next.
    row: u64,
}

impl ParquetSource {
    /// Opens the file and checks its columns.
    ///
    /// # Errors
    /// [`Error::Data`] where it cannot be read, and for a column that is nested, of a type that is no number and no text, or packed
    /// by a codec that is not read.
    pub fn open(path: &Path) -> Result<ParquetSource> {
        let place = path.display().to_string();
        let opened = File::open(path).map_err(|e| unreadable(path, &e))?;
        let file = SerializedFileReader::new(opened).map_err(|e| damaged(&place, &e))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let count = schema.num_columns();
        if count == 0 || count > MOST_COLUMNS {
            return Err(Error::data(place, format!("the file has {count} columns; 1 to {MOST_COLUMNS} are read")));
        }
        let (mut columns, mut meanings) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for column in schema.columns() {
            meanings.push(meaning(&place, column)?);
            columns.push(column.name().to_owned());
        }
        check_codecs(&place, &file)?;
        let header = Header { path: path.to_path_buf(), columns, line: None, pictures: None };
        if let Some(name) = first_repeated(&header.columns) {
            return Err(header.error(format!("two columns are named \"{name}\". Rename one of them")));
        }
        let slots = Slots::mixed(meanings.iter().map(|meaning| *meaning == Meaning::Text));
        let header = Arc::new(header);
        Ok(ParquetSource { header, file, meanings, slots, group: 0, readers: Vec::new(), left: 0, row: 0 })
    }

    /// Opens the row group that comes next; false at the end of the file.
    fn next_group(&mut self) -> Result<bool> {
        let place = self.header.path.display().to_string();
        if self.group == self.file.num_row_groups() {
            return Ok(false);
        }
        let group = self.file.get_row_group(self.group).map_err(|e| damaged(&place, &e))?;
        let rows = group.metadata().num_rows();
        self.left = usize::try_from(rows).map_err(|_| damaged(&place, &"a negative number of rows"))?;
        let reader = |column| group.get_column_reader(column).map_err(|e| damaged(&place, &e));
        self.readers = (0..self.meanings.len()).map(reader).collect::<Result<_>>()?;
        self.group += 1;
        Ok(true)
    }

    /// Reads the next `count` rows of the row group.
    fn read(&mut self, count: usize) -> Result<Block> {
        let (mut numbers, mut texts): (Vec<Vec<f64>>, Vec<Vec<String>>) = Default::default();
        for (column, (reader, meaning)) in self.readers.iter_mut().zip(&self.meanings).enumerate() {
            let place = || format!("{}, column \"{}\"", self.header.path.display(), self.header.columns[column]);
            let (mut text, mut number) = (Vec::new(), Vec::new());
            let read = match reader {
                ColumnReader::ByteArrayColumnReader(reader) => {
                    present(reader, count, String::new(), |v| Ok(v.as_utf8()?.to_owned())).map(|cells| text = cells)
                }
                reader => read_numbers(reader, *meaning, count).map(|cells| number = cells),
            };
            read.map_err(|e| damaged(&place(), &e))?;
            let found = text.len() + number.len();
            if found != count {
                return Err(damaged(&place(), &format!("{found} of {count} rows from row {} on", self.row)));
            }
            if *meaning == Meaning::Text { texts.push(text) } else { numbers.push(number) }
        }
        let mut block = Block::of_rows(Arc::clone(&self.header), self.slots.clone(), self.row);
        for row in 0..count {
            block.push_row(numbers.iter().map(|cells| cells[row]), texts.iter().map(|cells| cells[row].as_str()));
        }
        Ok(block)
    }
}

impl Source for ParquetSource {
    fn header(&self) -> &Arc<Header> {
        &self.header
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        while self.left == 0 {
            if !self.next_group()? {
                return Ok(None);
            }
        }
        let has_text = self.meanings.contains(&Meaning::Text);
        let most = (CHUNK_BYTES / (8 * self.meanings.len())).max(1);
        let count = self.left.min(if has_text { most.min(TEXT_ROWS) } else { most });
        let block = self.read(count)?;
        self.left -= count;
        self.row += count as u64;
        Ok(Some(Box::new(move || Ok(block))))
    }
}

fn damaged(place: &str, cause: &dyn std::fmt::Display) -> Error {
    Error::data(place, format!("the Parquet file is damaged or of a kind that is not read ({cause}). Write it again"))
}

/// What the numbers of a column mean.
fn meaning(place: &str, column: &ColumnDescriptor) -> Result<Meaning> {
    let name = column.path().string();
    let refused = |what: &str| {
        let message = format!("{what}. Write the file without the column, or with one of numbers or text for it");
        Err(Error::data(format!("{place}, column \"{name}\""), message))
    };
    if column.path().parts().len() > 1 || column.max_rep_level() > 0 {
        return refused("the column is nested (a list, a map or a struct), and a sample is a row of plain values");
    }
    match (column.physical_type(), column.converted_type()) {
        (Type::INT32 | Type::INT64, ConvertedType::DECIMAL) => {
            Ok(Meaning::Number { divisor: 10f64.powi(column.type_scale()) })
        }
        (Type::INT32, ConvertedType::UINT_32) | (Type::INT64, ConvertedType::UINT_64) => Ok(Meaning::Unsigned),
        (Type::BOOLEAN | Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE, _) => {
            Ok(Meaning::Number { divisor: 1.0 })
        }
        (Type::BYTE_ARRAY, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::NONE | ConvertedType::JSON) => {
            Ok(Meaning::Text)
        }
        (kind, _) => refused(&format!("the column is of the type {kind}, which is no number and no text here")),
    }
}

fn check_codecs(place: &str, file: &SerializedFileReader<File>) -> Result<()> {
    for group in file.metadata().row_groups() {
        for column in group.columns() {
            match column.compression() {
                Compression::UNCOMPRESSED
                | Compression::SNAPPY
                | Compression::GZIP(_)
                | Compression::LZ4
                | Compression::LZ4_RAW => {}
                codec => {
                    let name = codec.to_string();
                    let name = name.split('(').next().unwrap_or_default().to_lowercase();
                    let message = format!(
                        "the column is packed by {name}; read are snappy, gzip, lz4 and none. Write the file by \
                         df.to_parquet(FILE, compression=\"snappy\")"
                    );
                    return Err(Error::data(format!("{place}, column \"{}\"", column.column_path().string()), message));
                }
            }
        }
    }
    Ok(())
}

type Read<T> = std::result::Result<T, ParquetError>;

/// The next `count` cells of a column of numbers.
fn read_numbers(reader: &mut ColumnReader, meaning: Meaning, count: usize) -> Read<Vec<f64>> {
    let divisor = if let Meaning::Number { divisor } = meaning { divisor } else { 1.0 };
    let unsigned = meaning == Meaning::Unsigned;
    match reader {
        ColumnReader::BoolColumnReader(reader) => present(reader, count, f64::NAN, |v| Ok(f64::from(u8::from(*v)))),
        ColumnReader::Int32ColumnReader(reader) => present(reader, count, f64::NAN, |v| {
            Ok(if unsigned { f64::from(*v as u32) } else { f64::from(*v) / divisor })
        }),
        ColumnReader::Int64ColumnReader(reader) => {
            present(reader, count, f64::NAN, |v| Ok(if unsigned { *v as u64 as f64 } else { *v as f64 / divisor }))
        }
        ColumnReader::FloatColumnReader(reader) => present(reader, count, f64::NAN, |v| Ok(f64::from(*v))),
        ColumnReader::DoubleColumnReader(reader) => present(reader, count, f64::NAN, |v| Ok(*v)),
        _ => Err(ParquetError::General("a type that was refused".into())),
    }
}

/// The next `count` cells that a reader has, `missing` where a value is null.
fn present<D: DataType, T: Clone>(
    reader: &mut ColumnReaderImpl<D>,
    count: usize,
    missing: T,
    cell: impl Fn(&D::T) -> Read<T>,
) -> Read<Vec<T>> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut records = 0;
    while records < count {
        let (read, _, _) = reader.read_records(count - records, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            break;
        }
        records += read;
    }
    // A column that is always there has no levels.
    if levels.is_empty() {
        return values.iter().map(cell).collect();
    }
    let mut values = values.iter();
    let cells = levels.iter().map(|level| match level {
        0 => Ok(missing.clone()),
        _ => values.next().map_or_else(|| Err(ParquetError::EOF("values".into())), &cell),
    });
    cells.collect()
}
