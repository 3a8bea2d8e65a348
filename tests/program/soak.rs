//! Training for a long time with a checkpoint each second: memory and file descriptors stay flat.
#![cfg(target_os = "linux")]

use crate::support::{adapter, program};

use program::Place;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A wide enough network on enough rows that the records of epochs, which a run keeps, take no space to speak of.
const SPEC: &str = r#"[data]
train = "soak.csv"
target = "y"
validation = 0.1

[[model.layers]]
dense = 256
activation = "tanh"

[[model.layers]]
dense = 4

[train]
loss = "cross_entropy"
optimizer = { sgd = { lr = 0.01, momentum = 0.9 } }
batch_size = 32
epochs = 100000000
"#;
const ROWS: usize = 20_000;
const FEATURES: usize = 64;
/// Parameters and momentum, 4 bytes each: what a checkpoint moves, on the device, on the host, on the disk.
const CHECKPOINT_BYTES: u64 = 2 * 4 * (256 * (FEATURES as u64 + 1) + 4 * 257);

/// Resident memory in bytes, and open file descriptors.
fn sample(process: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the program has ended");
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    (1024 * kib, std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count())
}

/// On the adapter of `WGRAD_ADAPTER`, or on the CPU: `WGRAD_SOAK_SECONDS=1800 cargo test --test program soak:: -- --ignored --nocapture`
#[test]
#[ignore = "a soak test of half an hour"]
fn memory_and_file_descriptors_stay_flat() {
    let seconds: u64 = std::env::var("WGRAD_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(1800);
    let place = Place::new();
    let mut text = (0..FEATURES).map(|i| format!("x{i},")).collect::<String>() + "y\n";
    for row in 0..ROWS {
        (0..FEATURES).for_each(|i| text.push_str(&format!("0.{:03},", (row * 31 + i * 17 + row * i) % 997)));
        text.push_str(&format!("{}\n", row % 4));
    }
    place.write("soak.csv", &text);
    place.write("soak.toml", SPEC);
    let adapter = adapter::named();
    let device = adapter.as_deref().map_or(["--device", "cpu"], |name| ["--adapter", name]);
    let minutes = format!("{}", 1.0 / 60.0);
    let args = [&["train", "soak.toml", "--run", "r", "--checkpoint-minutes", &minutes], &device[..]].concat();
    let words = std::fs::File::create(place.path("words")).unwrap();
    let mut child = place.command(&args).stdout(Stdio::null()).stderr(words).spawn().unwrap();
    let begin = Instant::now();
    let mut samples = Vec::new();
    while begin.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(Duration::from_secs(1));
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the run ended by itself: {ended:?}: {:?}", place.read("words").lines().last());
        samples.push(sample(child.id()));
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert!(child.wait().unwrap().success());
    let report: wgrad::report::RunReport = serde_json::from_str(&place.read("r/report.json")).unwrap();
    println!("{}: {} epochs, {} samples, one a second", report.device.name, report.epochs.len(), samples.len());
    for part in samples.chunks(samples.len().div_ceil(10)) {
        let (low, high) = (part.iter().min().unwrap().0, part.iter().max().unwrap().0);
        let descriptors: std::collections::BTreeSet<usize> = part.iter().map(|s| s.1).collect();
        println!("  memory {:6.1} to {:6.1} MiB, descriptors {descriptors:?}", mib(low), mib(high));
    }
    // After a fifth of the time everything has been done often. What the rest of the time may add is a hundredth of what
    // the checkpoints of that time moved: whoever leaked a buffer of each, or a mapping, or a file, would be above it.
    let (early, late) = (&samples[samples.len() / 5..samples.len() * 2 / 5], &samples[samples.len() * 4 / 5..]);
    let median = |part: &[(u64, usize)]| {
        let mut sorted: Vec<u64> = part.iter().map(|s| s.0).collect();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    };
    let (before, after) = (median(early), median(late));
    let allowed = CHECKPOINT_BYTES * (samples.len() as u64 * 3 / 5) / 100;
    println!("  median {:.2} MiB, then {:.2} MiB; {:.2} MiB more are allowed", mib(before), mib(after), mib(allowed));
    assert!(after <= before + allowed);
    let most = |part: &[(u64, usize)]| part.iter().map(|s| s.1).max();
    assert!(most(late) <= most(early), "file descriptors grow");
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
