//! A profiling run in the trace event format that <https://ui.perfetto.dev> and Chrome's `about:tracing` open
//! (<https://chromium.googlesource.com/catapult> "Trace Event Format": complete events, times in microseconds).

use super::profile::StepProfile;
use crate::exec::profile::{Method, Track};
use serde_json::{Value, json};

/// The trace of `profile`, as JSON text. One process, a thread each for the host and the device.
pub fn trace(workload: &str, adapter: &str, profile: &StepProfile) -> String {
    let thread = |track: Track| if track == Track::Host { 1 } else { 2 };
    let named = |id: u32, name: &str| json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": id, "args": { "name": name } });
    let device = match profile.method {
        Method::Timestamps => format!("{adapter}, its own clock, aligned at the end of the wait"),
        Method::Repetition => format!("{adapter}, times by repetition, laid out in order"),
        Method::Clock => adapter.to_string(),
    };
    let mut events = vec![
        json!({ "name": "process_name", "ph": "M", "pid": 1, "args": { "name": format!("wgrad bench {workload}") } }),
        named(1, "host"),
        named(2, &device),
    ];
    events.extend(profile.spans.iter().map(|span| {
        let (name, args) = match span.name.parse::<usize>().ok().and_then(|i| profile.dispatches.get(i)) {
            Some(d) => {
                let args = json!({
                    "label": d.label,
                    "flops": d.flops,
                    "bytes": d.bytes,
                    "bound": d.bound.name(),
                    "share_of_peak": finite(d.share_of_peak),
                });
                (d.kernel.clone(), args)
            }
            None => (span.name.clone(), json!({})),
        };
        json!({
            "name": name, "cat": "wgrad", "ph": "X", "pid": 1, "tid": thread(span.track),
            "ts": finite(span.start_us), "dur": finite(span.duration_us), "args": args,
        })
    }));
    json!({ "traceEvents": events, "displayTimeUnit": "ns" }).to_string()
}

/// JSON has no infinity: a device whose clock stands still gives no share.
fn finite(x: f64) -> Value {
    if x.is_finite() { json!(x) } else { Value::Null }
}
