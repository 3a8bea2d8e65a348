//! An event as a protocol buffer. Only the few fields that wgrad writes are encoded, by hand: a compiler of schemas would bring
//! more code than it saves.
//!
//! Sources: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, histogram.proto; the wire format of
//! protobuf.dev/programming-guides/encoding.

use crate::report::Histogram;

/// Something that happened at a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub wall_time: f64,
    /// Optimizer steps done.
    pub step: u64,
    /// What happened.
    pub what: What,
}

/// What an event holds.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The first event of a file.
    FileVersion,
    /// The session starts here: what was written before of this step and later ones is void.
    Start,
    /// Numbers with their tags.
    Scalars(Vec<(String, f32)>),
    /// Distributions with their tags.
    Histograms(Vec<(String, Histogram)>),
}

/// Wire types.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

impl Event {
    /// The message `Event`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Message::default();
        out.double(1, self.wall_time);
        out.number(2, self.step);
        match &self.what {
            What::FileVersion => out.bytes(3, b"brain.Event:2"),
            // SessionLog with status START.
            What::Start => out.message(7, |log| log.number(1, 1)),
            What::Scalars(scalars) => out.message(5, |summary| {
                for (tag, scalar) in scalars {
                    summary.message(1, |value| {
                        value.bytes(1, tag.as_bytes());
                        value.float(2, *scalar);
                    });
                }
            }),
            What::Histograms(histograms) => out.message(5, |summary| {
                for (tag, found) in histograms {
                    summary.message(1, |value| {
                        value.bytes(1, tag.as_bytes());
                        value.message(5, |histo| histogram(histo, found));
                    });
                }
            }),
        }
        out.0
    }
}

/// The message `HistogramProto`: buckets by their upper ends.
fn histogram(out: &mut Message, found: &Histogram) {
    out.double(1, found.low);
    out.double(2, found.high);
    out.double(3, found.total() as f64);
    out.double(4, found.sum);
    out.double(5, found.sum_squares);
    let bins = found.counts.len();
    let width = (found.high - found.low) / bins as f64;
    // The last end is the greatest number itself, whatever the sum of the widths rounds to.
    let end = |bin: usize| if bin + 1 == bins { found.high } else { found.low + (bin as f64 + 1.0) * width };
    out.doubles(6, (0..bins).map(end));
    out.doubles(7, found.counts.iter().map(|c| *c as f64));
}

/// A message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.key(field, VARINT);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, FIXED_64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, FIXED_32);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// A packed list.
    fn doubles(&mut self, field: u64, values: impl Iterator<Item = f64>) {
        let packed: Vec<u8> = values.flat_map(f64::to_le_bytes).collect();
        self.bytes(field, &packed);
    }
}
