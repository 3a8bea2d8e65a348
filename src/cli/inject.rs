//! `WGRAD_FAULT`: faults on demand, for tests of what happens then. Not for users: no help text names it.
//!
//! `lose-device:STEP[,STEP...]` destroys the device when that many steps of the run are done; `memory:BYTES` leaves the device
//! that much memory.

use crate::error::Error;
use crate::exec::Device;

const VARIABLE: &str = "WGRAD_FAULT";

/// The faults that the environment asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Steps at which the device is lost, rising.
    pub lose_at: Vec<u64>,
    /// Memory of the device, in bytes.
    memory_bytes: Option<u64>,
}

impl Faults {
    /// Reads the environment.
    pub fn from_environment() -> anyhow::Result<Faults> {
        let Ok(text) = std::env::var(VARIABLE) else { return Ok(Faults::default()) };
        let wrong = || Error::spec(format!("{VARIABLE}={text}"), "expected lose-device:STEP[,STEP...] or memory:BYTES");
        let (what, numbers) = text.split_once(':').ok_or_else(wrong)?;
        let numbers: Result<Vec<u64>, _> = numbers.split(',').map(|n| n.trim().parse()).collect();
        let mut numbers = numbers.map_err(|_| wrong())?;
        numbers.sort_unstable();
        match (what, numbers.as_slice()) {
            ("lose-device", _) => Ok(Faults { lose_at: numbers, memory_bytes: None }),
            ("memory", [bytes]) => Ok(Faults { lose_at: Vec::new(), memory_bytes: Some(*bytes) }),
            _ => Err(wrong().into()),
        }
    }

    /// `device` with what it is to lack.
    pub fn apply(&self, device: Device) -> Device {
        #[cfg(feature = "gpu")]
        if let Some(gpu) = device.gpu() {
            let mut gpu = gpu.clone();
            gpu.memory_bytes = self.memory_bytes;
            return Device::new(gpu);
        }
        device
    }
}
