//! The small workloads of `wgrad bench` on the adapter under test: the losses are the peers', the same bits each time.

#[path = "support/adapter.rs"]
mod adapter;

use wgrad::bench::{Settings, Workload, measure};

#[test]
fn the_adapter_reaches_the_losses_of_the_peers_with_the_same_bits_each_time() {
    let Some(device) = adapter::adapter() else { return };
    for name in ["seed", "digits", "mnist-adam"] {
        let workload = Workload::by_name(name).unwrap();
        let run = || pollster::block_on(measure(device, workload, Settings { seconds: 0.01, warm_up_s: 0.0 })).unwrap();
        let (first, second) = (run(), run());
        assert!(first.loss_agrees, "{name}: {:?}", first.loss_check);
        assert_eq!(first.loss_check, second.loss_check, "{name}");
        // A submit holds many steps, and each is waited for by one small read-back.
        assert!(first.work.submits > 0 && first.work.read_backs == first.work.submits, "{name}: {:?}", first.work);
    }
}
