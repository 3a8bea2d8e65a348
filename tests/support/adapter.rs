//! The adapter that GPU tests run on: the one that the environment names, opened once in a process.

use std::io::Write;
use std::panic::Location;

/// Says which test was skipped and why, past the test harness, which keeps to itself what a passing test prints.
#[track_caller]
pub fn skipped(reason: &str) {
    let place = Location::caller();
    let _ = writeln!(std::io::stderr(), "skipped {}:{}: {reason}", place.file(), place.line());
}

/// The name that `WGRAD_ADAPTER` gives.
pub fn named() -> Option<String> {
    std::env::var("WGRAD_ADAPTER").ok().filter(|name| !name.is_empty())
}

/// Whether there must be an adapter.
pub fn required() -> bool {
    std::env::var("WGRAD_REQUIRE_GPU").is_ok_and(|v| v == "1")
}

/// The name of the adapter to test. Without one the test is skipped, or fails where there must be one.
#[track_caller]
pub fn name() -> Option<String> {
    let name = named();
    if name.is_none() {
        assert!(!required(), "WGRAD_REQUIRE_GPU=1, but WGRAD_ADAPTER names no adapter to test");
        skipped("WGRAD_ADAPTER names no adapter to test");
    }
    name
}

/// The adapter of `WGRAD_ADAPTER`, or the machine's hardware GPU. Without either there is nothing to test on: `None`, or a
/// failure where `WGRAD_REQUIRE_GPU=1` says that there must be one.
#[cfg(feature = "gpu")]
#[track_caller]
pub fn adapter() -> Option<&'static wgrad::exec::Device> {
    use wgrad::exec::{Choice, Device, open_device};
    static DEVICE: std::sync::OnceLock<Option<Device>> = std::sync::OnceLock::new();
    let device = DEVICE.get_or_init(|| {
        let device = pollster::block_on(open_device(&named().map_or(Choice::Auto, Choice::Adapter), required()));
        let device = device.unwrap_or_else(|e| panic!("{e}"));
        (device.kind() == "gpu").then_some(device)
    });
    if device.is_none() {
        skipped("no hardware GPU, and WGRAD_ADAPTER names no adapter");
    }
    device.as_ref()
}
