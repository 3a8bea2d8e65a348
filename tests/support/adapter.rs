//! The adapter that GPU tests run on: the one that the environment names, opened once in a process.

#![cfg(feature = "gpu")]

use std::sync::OnceLock;
use wgrad::exec::{Choice, Device, open_device};

/// The adapter of `WGRAD_ADAPTER`. Without it there is nothing to test on: `None`, or a failure where
/// `WGRAD_REQUIRE_GPU=1` says that there must be one.
pub fn adapter() -> Option<&'static Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    let device = DEVICE.get_or_init(|| {
        let Some(name) = std::env::var("WGRAD_ADAPTER").ok().filter(|name| !name.is_empty()) else {
            let required = std::env::var("WGRAD_REQUIRE_GPU").is_ok_and(|v| v == "1");
            assert!(!required, "WGRAD_REQUIRE_GPU=1, but WGRAD_ADAPTER names no adapter");
            return None;
        };
        let device = pollster::block_on(open_device(&Choice::Adapter(name), true));
        Some(device.unwrap_or_else(|e| panic!("{e}")))
    });
    if device.is_none() {
        eprintln!("skipped: WGRAD_ADAPTER names no adapter");
    }
    device.as_ref()
}
