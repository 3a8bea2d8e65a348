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
        let mut out = Writer::default();
        out.double(1, self.wall_time).int(2, self.step as i64);
        match &self.what {
            What::FileVersion => out.text(3, "brain.Event:2"),
            What::Start => {
                // SessionLog with status START.
                let mut log = Writer::default();
                log.int(1, 1);
                out.message(7, log)
            }
            What::Scalars(scalars) => out.message(5, summary(scalars, |value, scalar| value.float(2, *scalar))),
            What::Histograms(all) => out.message(5, summary(all, |value, found| value.message(5, histogram(found)))),
        };
        out.finish()
    }
}

/// The message `Summary`: values with their tags.
fn summary<T>(tagged: &[(String, T)], add: impl for<'a> Fn(&'a mut Writer, &T) -> &'a mut Writer) -> Writer {
    let mut summary = Writer::default();
    for (tag, found) in tagged {
        let mut value = Writer::default();
        add(value.text(1, tag), found);
        summary.message(1, value);
    }
    summary
}

/// The message `HistogramProto`: buckets by their upper ends.
fn histogram(found: &Histogram) -> Writer {
    let bins = found.counts.len();
    let width = (found.high - found.low) / bins as f64;
    // The last end is the greatest number itself, whatever the sum of the widths rounds to.
    let end = |bin: usize| if bin + 1 == bins { found.high } else { found.low + (bin as f64 + 1.0) * width };
    let mut out = Writer::default();
    out.double(1, found.low).double(2, found.high).double(3, found.total() as f64);
    out.double(4, found.sum).double(5, found.sum_squares);
    out.doubles(6, (0..bins).map(end)).doubles(7, found.counts.iter().map(|c| *c as f64));
    out
}
