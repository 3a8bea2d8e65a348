//! The adapter that GPU tests run on: the one that the environment names, opened once in a process.

#![cfg(feature = "gpu")]

use std::sync::OnceLock;
use wgrad::exec::{Choice, Device, open_device};

/// The adapter of `WGRAD_ADAPTER`, or the machine's hardware GPU. Without either there is nothing to test on: `None`, or a
/// failure where `WGRAD_REQUIRE_GPU=1` says that there must be one.
pub fn adapter() -> Option<&'static Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    let device = DEVICE.get_or_init(|| {
        let name = std::env::var("WGRAD_ADAPTER").ok().filter(|name| !name.is_empty());
        let required = std::env::var("WGRAD_REQUIRE_GPU").is_ok_and(|v| v == "1");
        let device = pollster::block_on(open_device(&name.map_or(Choice::Auto, Choice::Adapter), required));
        let device = device.unwrap_or_else(|e| panic!("{e}"));
        (device.kind() == "gpu").then_some(device)
    });
    if device.is_none() {
        eprintln!("skipped: no hardware GPU, and WGRAD_ADAPTER names no adapter");
    }
    device.as_ref()
}
