//! TensorBoard event files, read back by a reader of their format that is written here anew.
//!
//! `tests/interop/tensorboard_reads.py` has the real program read them.

use crate::support::program;

use program::{IRIS, Place};
use serde_json::Value;
use std::collections::BTreeMap;

/// CRC-32C by its definition: one bit after the other, polynomial 0x1EDC6F41 reflected.
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 })
    })
}

fn masked(data: &[u8]) -> [u8; 4] {
    let crc = crc32c(data);
    crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// The data of each record; every checksum must hold.
fn records(mut bytes: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at_checked(12).ok_or("a record's head is cut off")?;
        let length = u64::from_le_bytes(head[..8].try_into().unwrap()) as usize;
        if masked(&head[..8]) != head[8..] {
            return Err(format!("the checksum of record {}'s length is wrong", found.len()));
        }
        let (data, rest) = rest.split_at_checked(length).ok_or("a record is cut off")?;
        let (checksum, rest) = rest.split_at_checked(4).ok_or("a checksum is cut off")?;
        if masked(data) != checksum {
            return Err(format!("the checksum of record {} is wrong", found.len()));
        }
        found.push(data);
        bytes = rest;
    }
    Ok(found)
}

/// A field of a message.
#[derive(Debug, Clone, PartialEq)]
enum Field<'a> {
    Number(u64),
    Double(f64),
    Float(f32),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a varint without an end")
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

/// The fields of a message, by number, in order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => Field::Double(f64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())),
            2 => {
                let length = varint(&mut bytes) as usize;
                Field::Bytes(take(&mut bytes, length))
            }
            5 => Field::Float(f32::from_le_bytes(take(&mut bytes, 4).try_into().unwrap())),
            wire => panic!("wire type {wire}"),
        };
        found.push((key >> 3, field));
    }
    found
}

fn of<'a>(fields: &[(u64, Field<'a>)], number: u64) -> Option<Field<'a>> {
    fields.iter().find(|(n, _)| *n == number).map(|(_, field)| field.clone())
}

fn inner<'a>(fields: &[(u64, Field<'a>)], number: u64) -> Option<Vec<(u64, Field<'a>)>> {
    match of(fields, number)? {
        Field::Bytes(bytes) => Some(self::fields(bytes)),
        other => panic!("field {number} is {other:?}"),
    }
}

fn doubles(field: Option<Field<'_>>) -> Vec<f64> {
    let Some(Field::Bytes(bytes)) = field else { panic!("no packed list: {field:?}") };
    bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

/// A distribution: step, count, ends of the buckets, counts.
type Buckets = (u64, f64, Vec<f64>, Vec<f64>);
/// A figure of a line of the metrics.
type Of = fn(&Value) -> &Value;

/// What event files hold.
#[derive(Default)]
struct Events {
    versions: usize,
    starts: Vec<u64>,
    /// By tag: step and value.
    scalars: BTreeMap<String, Vec<(u64, f32)>>,
    /// By tag.
    histograms: BTreeMap<String, Vec<Buckets>>,
}

impl Events {
    /// Of all files in `folder`.
    fn read(place: &Place, folder: &str) -> Events {
        let mut events = Events::default();
        let mut paths: Vec<_> = std::fs::read_dir(place.path(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            assert!(path.file_name().unwrap().to_str().unwrap().starts_with("events.out.tfevents."));
            let bytes = std::fs::read(&path).unwrap();
            records(&bytes).unwrap().into_iter().for_each(|data| events.take(data));
        }
        events
    }

    fn take(&mut self, data: &[u8]) {
        let event = fields(data);
        let Some(Field::Double(wall_time)) = of(&event, 1) else { panic!("an event without a time") };
        assert!(wall_time > 1.6e9, "{wall_time}");
        let Some(Field::Number(step)) = of(&event, 2) else { panic!("an event without a step") };
        if let Some(version) = of(&event, 3) {
            assert_eq!(version, Field::Bytes(b"brain.Event:2"));
            self.versions += 1;
        }
        if let Some(session) = inner(&event, 7) {
            assert_eq!(session, [(1, Field::Number(1))], "START");
            self.starts.push(step);
        }
        for (_, value) in inner(&event, 5).unwrap_or_default() {
            let Field::Bytes(value) = value else { panic!("{value:?}") };
            let value = fields(value);
            let Some(Field::Bytes(tag)) = of(&value, 1) else { panic!("a value without a tag") };
            let tag = String::from_utf8(tag.to_vec()).unwrap();
            if let Some(Field::Float(scalar)) = of(&value, 2) {
                self.scalars.entry(tag.clone()).or_default().push((step, scalar));
            }
            if let Some(histo) = inner(&value, 5) {
                let Some(Field::Double(count)) = of(&histo, 3) else { panic!("a distribution without a count") };
                let found = (step, count, doubles(of(&histo, 6)), doubles(of(&histo, 7)));
                self.histograms.entry(tag).or_default().push(found);
            }
        }
    }
}

fn train(place: &Place, args: &[&str]) {
    place.good(&[&["train"][..], args, &["--tensorboard", "logs", "--device", "cpu"]].concat());
}

fn metrics(place: &Place, run: &str) -> Vec<Value> {
    let text = place.read(&format!("{run}/metrics.jsonl"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_epoch_is_in_the_event_file_as_in_the_metrics() {
    let place = Place::new();
    place.write("s.toml", &IRIS.replace("epochs = 3", "epochs = 5"));
    train(&place, &["s.toml", "--run", "r"]);
    let events = Events::read(&place, "logs/r");
    assert_eq!((events.versions, events.starts.len()), (1, 0));
    let lines = metrics(&place, "r");
    let tagged: [(&str, Of); 5] = [
        ("loss/train", |line| &line["train_loss"]),
        ("loss/validation", |line| &line["validation_loss"]),
        ("metrics/accuracy", |line| &line["validation_accuracy"]),
        ("metrics/f1_macro", |line| &line["metrics"]["f1_macro"]),
        ("throughput/samples_per_second", |line| &line["samples_per_second"]),
    ];
    for (tag, value) in tagged {
        let expected: Vec<(u64, f32)> =
            lines.iter().map(|line| (line["step"].as_u64().unwrap(), value(line).as_f64().unwrap() as f32)).collect();
        assert_eq!(events.scalars[tag], expected, "{tag}");
    }
    assert!(!events.scalars.contains_key("metrics/rmse"), "what is not defined is not written");
    let weight = &events.histograms["layers.0.weight"];
    assert_eq!(weight.iter().map(|h| h.0).collect::<Vec<_>>(), [30, 60, 90, 120, 150]);
    for (_, count, ends, counts) in weight.iter().chain(&events.histograms["layers.0.weight/gradient"]) {
        assert_eq!((*count, counts.iter().sum::<f64>()), (32.0, 32.0));
        assert!(ends.len() == counts.len() && ends.is_sorted_by(|a, b| a < b), "{ends:?}");
    }
}

#[test]
fn a_run_that_goes_on_voids_what_it_trains_again() {
    let place = Place::new();
    train(&place, &["iris.toml", "--run", "r"]);
    train(&place, &["--resume", "r", "--epochs", "4"]);
    let events = Events::read(&place, "logs/r");
    assert_eq!((events.versions, events.starts), (2, vec![91]), "the next step");
    let steps: Vec<u64> = events.scalars["loss/train"].iter().map(|s| s.0).collect();
    assert_eq!(steps, [30, 60, 90, 120]);
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_before_training() {
    let place = Place::new();
    place.write("logs", "a file");
    place.refused(&["train", "iris.toml", "--run", "r", "--tensorboard", "logs/x", "--device", "cpu"], &["logs/x"]);
    assert!(!place.path("r").exists());
}

#[test]
fn the_reader_notices_a_changed_byte() {
    let place = Place::new();
    train(&place, &["iris.toml", "--run", "r", "--epochs", "1"]);
    let path = std::fs::read_dir(place.path("logs/r")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(path).unwrap();
    assert_eq!(crc32c(b"123456789"), 0xE306_9283, "the check value of CRC-32C");
    assert!(records(&bytes).is_ok());
    for at in [0, 9, 14, bytes.len() - 2] {
        bytes[at] ^= 1;
        assert!(records(&bytes).is_err(), "byte {at}");
        bytes[at] ^= 1;
    }
    assert!(records(&bytes[..bytes.len() - 1]).is_err());
}
