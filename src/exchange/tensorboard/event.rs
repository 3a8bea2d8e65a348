//! An event as a protocol buffer, with the few fields that wgrad writes.
//!
//! Sources: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, histogram.proto.

use crate::exchange::protobuf::Writer;
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

impl Event {
    /// The message `Event`.
    pub fn encode(&self) -> Vec<u8> {
        let out = Writer::default().double(1, self.wall_time).int(2, self.step as i64);
        let out = match &self.what {
            What::FileVersion => out.text(3, "brain.Event:2"),
            // SessionLog with status START.
            What::Start => out.message(7, Writer::default().int(1, 1)),
            What::Scalars(scalars) => out.message(5, summary(scalars, |value, scalar| value.float(2, *scalar))),
            What::Histograms(all) => out.message(5, summary(all, |value, found| value.message(5, histogram(found)))),
        };
        out.finish()
    }
}

/// The message `Summary`: values with their tags.
fn summary<T>(tagged: &[(String, T)], add: impl Fn(Writer, &T) -> Writer) -> Writer {
    let value = |(tag, found): &(String, T)| add(Writer::default().text(1, tag), found);
    Writer::default().each(tagged, |summary, tagged| summary.message(1, value(tagged)))
}

/// The message `HistogramProto`: buckets by their upper ends.
fn histogram(found: &Histogram) -> Writer {
    let bins = found.counts.len();
    let width = (found.high - found.low) / bins as f64;
    // The last end is the greatest number itself, whatever the sum of the widths rounds to.
    let end = |bin: usize| if bin + 1 == bins { found.high } else { found.low + (bin as f64 + 1.0) * width };
    Writer::default()
        .double(1, found.low)
        .double(2, found.high)
        .double(3, found.total() as f64)
        .double(4, found.sum)
        .double(5, found.sum_squares)
        .doubles(6, (0..bins).map(end))
        .doubles(7, found.counts.iter().map(|c| *c as f64))
}
