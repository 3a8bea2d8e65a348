//! The small workloads of `wgrad bench` on the adapter under test: the losses are the peers', the same bits each time.

use crate::support::adapter;

use wgrad::plan::Switches;
use wgrad::testing::bench::{Settings, Workload, measure};
use wgrad::testing::exec::profile::{Method, Track};

#[test]
fn the_adapter_reaches_the_losses_of_the_peers_with_the_same_bits_each_time() {
    let Some(device) = adapter::adapter() else { return };
    for name in ["seed", "digits", "mnist-adam"] {
        let workload = Workload::by_name(name).unwrap();
        let settings = Settings { seconds: 0.01, warm_up_s: 0.0, profile: false, switches: Switches::default() };
        let run = || pollster::block_on(measure(device, workload, settings)).unwrap();
        let (first, second) = (run(), run());
        assert!(first.loss_agrees, "{name}: {:?}", first.loss_check);
        assert_eq!(first.loss_check, second.loss_check, "{name}");
        // A submit that ends steps is waited for by one small read-back; one that holds a part of a long step by none, and
        // which steps are long is the clock's affair.
        let work = &first.work;
        assert!(work.read_backs > 0 && work.read_backs <= work.submits, "{name}: {work:?}");
    }
}

#[test]
fn every_dispatch_of_a_step_has_a_time_on_the_adapter() {
    let Some(device) = adapter::adapter() else { return };
    let settings = Settings { seconds: 0.01, warm_up_s: 0.0, profile: true, switches: Switches::ALL };
    let line = pollster::block_on(measure(device, Workload::by_name("digits").unwrap(), settings)).unwrap();
    let profile = line.profile.expect("a profile was asked for");
    // Opened as training opens it, the device has no clock: the dispatches are repeated.
    assert_eq!(profile.method, Method::Repetition);
    assert!(profile.dispatches.len() >= 2 && profile.dispatches.iter().all(|d| d.time_us.count > 0), "{profile:?}");
    assert!(profile.sum_us > 0.0 && profile.peaks.gflop_per_s > 0.0 && profile.peaks.submit_us.is_some());
    // The host's spans follow each other.
    let host: Vec<_> = profile.spans.iter().filter(|s| s.track == Track::Host).collect();
    assert_eq!(host.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["encode", "submit", "wait"]);
    assert!(host.windows(2).all(|w| w[0].start_us + w[0].duration_us <= w[1].start_us + 1e-6), "{host:?}");
}
