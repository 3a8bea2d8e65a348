//! Where the time of a step goes: what a session's profiling run finds.

use serde::{Deserialize, Serialize};

/// How the times of dispatches were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The device's clock at the borders of a pass that holds one dispatch.
    Timestamps,
    /// The host's clock around submits that repeat a dispatch, by difference: the adapter has no timestamps.
    Repetition,
    /// The host's clock around the call: the CPU device.
    Clock,
}

/// Whose time a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// The thread that encodes, submits and waits.
    Host,
    /// The device that runs dispatches.
    Device,
}

/// A piece of time with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Whose time.
    pub track: Track,
    /// `encode`, `submit`, `wait`, or the number of the dispatch in the plan.
    pub name: String,
    /// From the start of the profiling run, in microseconds.
    pub start_us: f64,
    /// In microseconds.
    pub duration_us: f64,
}

/// Times of the dispatches of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// How they were taken.
    pub method: Method,
    /// For each dispatch of the plan its times in microseconds.
    pub dispatches_us: Vec<Vec<f64>>,
    /// The run as a sequence. With [`Method::Repetition`] the dispatches' places within the wait are not measured but laid
    /// out one after the other.
    pub spans: Vec<Span>,
}

impl Profile {
    /// A profile of `dispatches` dispatches without any time.
    pub fn new(method: Method, dispatches: usize) -> Profile {
        Profile { method, dispatches_us: vec![Vec::new(); dispatches], spans: Vec::new() }
    }

    /// Adds a span; one of the device is a dispatch's time as well.
    pub fn push(&mut self, track: Track, name: String, start_us: f64, duration_us: f64) {
        self.spans.push(Span { track, name, start_us, duration_us });
    }
}
