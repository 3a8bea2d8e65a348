//! On the adapter: samples that stream from a file, larger than a binding, against the same order resident on the device.

use crate::support;

use support::adapter::adapter;
use support::stream::{evaluated, file_against_memory, resumed};
use wgrad::exec::Device;
use wgrad::plan::Limits;

/// As the adapter, but a binding holds only 17 rows of 6 numbers, and yet every tensor of the network.
fn small(device: &Device) -> Limits {
    Limits { max_storage_buffer_binding_size_bytes: 4 * 6 * 17, ..device.limits() }
}

#[test]
fn training_from_a_file_gives_the_bits_of_the_same_order_on_the_device() {
    let Some(device) = adapter() else { return };
    file_against_memory(device, small(device));
}

#[test]
fn an_epoch_that_is_left_and_gone_on_with_gives_the_same_bits() {
    let Some(device) = adapter() else { return };
    resumed(device, small(device), &[1, 4, 11]);
}

#[test]
fn evaluation_does_not_depend_on_where_samples_are() {
    let Some(device) = adapter() else { return };
    evaluated(device, small(device));
}
