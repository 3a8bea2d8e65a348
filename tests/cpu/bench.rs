//! Workloads, profiles and peaks: what `wgrad bench` counts and compares, without a measurement.

use std::time::Duration;
use wgrad::exec::Device;
use wgrad::kernels::{Args, Kernel, Param};
use wgrad::plan::{Dispatch, Products};
use wgrad::testing::bench::compare::{Change, Verdict};
use wgrad::testing::bench::peaks::{CACHED_BYTES, Peaks, best_rate};
use wgrad::testing::bench::process::high_water_mib;
use wgrad::testing::bench::profile::{Bound, DispatchLine, TIMES, time};
use wgrad::testing::bench::roofline::{BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, roofline};
use wgrad::testing::bench::workload::uniform;
use wgrad::testing::bench::{Line, Spread, WORKLOADS, Workload};
use wgrad::testing::verify::kernels::sized;

/// FNV-1a over the bits, 0 of nothing.
fn digest(values: &[f32]) -> u64 {
    let step = |h: u64, v: &f32| (h ^ u64::from(v.to_bits())).wrapping_mul(0x0100_0000_01b3);
    if values.is_empty() { 0 } else { values.iter().fold(0xcbf2_9ce4_8422_2325, step) }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn the_numbers_are_those_of_the_peers() {
    // Printed by a program over the peers' own `workloads.rs`: features, targets and classes of the last two rows, and
    // the weights of all layers, transposed.
    let peers: [(&str, u64, u64, u64, &[u32]); 6] = [
        ("seed", 0x9bd6_49c6_914e_13f5, 0x9bd6_1c78_8cce_13f5, 0x219c_33a9_7f7f_0442, &[]),
        ("digits", 0xa618_b55d_a49c_b466, 0, 0x5a9c_f00e_50db_be97, &[5, 6]),
        ("mnist", 0xaa81_56e7_07bc_c723, 0, 0x5bc4_6b94_9765_2469, &[8, 9]),
        ("mnist-adam", 0xaa81_56e7_07bc_c723, 0, 0x5bc4_6b94_9765_2469, &[8, 9]),
        ("wide", 0xaa81_56e7_07bc_c723, 0, 0xfd21_1bed_5131_376d, &[8, 9]),
        ("square", 0xab3e_5e10_f69b_beab, 0x5e5c_492b_8ed3_15f4, 0xbc64_0b3d_4940_2f2b, &[]),
    ];
    for (name, x, targets, weights, classes) in peers {
        let w = Workload::by_name(name).unwrap();
        let last = w.samples(w.samples - 2, 2);
        assert_eq!((digest(&last.x), digest(&last.numbers)), (x, targets), "{name}");
        assert_eq!(last.classes, classes, "{name}");
        let layers = (0..w.dims.len() - 1).map(|l| digest(&w.weights(l)).rotate_left(l as u32));
        assert_eq!(layers.fold(0, |a, b| a ^ b), weights, "{name}");
    }
    let few = [uniform(1, 0), uniform(2, 47_039_999), uniform(12, 7)];
    assert_eq!(bits(&few), [1_036_630_192, 1_035_875_456, 1_058_217_212]);
}

#[test]
fn pieces_are_parts_of_the_whole_and_the_stream_goes_on() {
    for name in ["seed", "digits"] {
        let w = Workload::by_name(name).unwrap();
        let (whole, part) = (w.samples(0, w.samples), w.samples(1, 2));
        assert_eq!(bits(&part.x), bits(&whole.x[w.inputs()..3 * w.inputs()]), "{name}");
        assert_eq!(part.classes, whole.classes.get(1..3).unwrap_or_default());
        assert_eq!(part.numbers, whole.numbers.get(w.outputs()..3 * w.outputs()).unwrap_or_default());
        // As the peers compute it.
        let expected: Vec<u32> = (0..5000).map(|i| (i % w.samples * w.stride % w.samples) as u32).collect();
        assert_eq!([w.order(0, 1234), w.order(1234, 5000 - 1234)].concat(), expected);
    }
}

#[test]
fn an_unknown_name_is_met_with_the_nearest() {
    let message = Workload::by_name("digit").unwrap_err().to_string();
    assert!(message.contains("did you mean \"digits\"?") && message.contains("mnist-adam"), "{message}");
}

#[test]
fn a_wrong_loss_does_not_agree() {
    for w in WORKLOADS {
        let e = w.expected_loss;
        assert!(w.agrees(e) && w.agrees(e * (1.0 + 9e-6)) && w.agrees(e * (1.0 - 9e-6)), "{}", w.name);
        assert!(!w.agrees(e * (1.0 + 1.1e-5)) && !w.agrees(e * (1.0 - 1.1e-5)) && !w.agrees(f64::NAN));
    }
}

#[test]
fn quartiles_lie_between_the_ordered_values() {
    let spread = Spread::of(&[5.0, 1.0, 3.0, 2.0, 4.0]);
    assert_eq!(spread, Spread { median: 3.0, low: 2.0, high: 4.0, count: 5 });
    assert_eq!(Spread::of(&[1.0, 2.0, 3.0, 4.0]).median, 2.5);
    assert_eq!(Spread::of(&[7.0]), Spread { median: 7.0, low: 7.0, high: 7.0, count: 1 });
    // A disturbed repetition moves neither quartile far.
    assert!(Spread::of(&[1.0, 1.0, 1.0, 1.0, 100.0]).relative() == 0.0);
    assert!(Spread::of(&[]).median.is_nan());
}

fn result(rates: &[f64]) -> Line {
    Line { workload: "digits".into(), repetitions: Spread::of(rates), ..Line::default() }
}

fn verdict(before: &[f64], now: &[f64]) -> Verdict {
    Change::new(&result(before), &result(now)).verdict
}

#[test]
fn a_change_within_the_spread_is_none() {
    let quiet = [99.0, 100.0, 100.0, 101.0];
    assert_eq!(verdict(&quiet, &[96.0, 96.0, 96.0]), Verdict::Same);
    assert_eq!(verdict(&quiet, &[94.0, 94.0, 94.0]), Verdict::Slower);
    assert_eq!(verdict(&quiet, &[106.0, 106.0, 106.0]), Verdict::Faster);
    // The same slowdown, but either side is noisy.
    let noisy = [70.0, 90.0, 100.0, 110.0, 130.0];
    assert_eq!(verdict(&noisy, &[94.0, 94.0, 94.0]), Verdict::Same);
    assert_eq!(verdict(&[100.0; 3], &[60.0, 85.0, 94.0, 103.0, 120.0]), Verdict::Same);
    assert_eq!(verdict(&noisy, &[50.0, 50.0, 50.0]), Verdict::Slower);
}

#[test]
fn the_high_water_mark_is_read_in_kib() {
    assert_eq!(high_water_mib("VmPeak:\t  9 kB\nVmHWM:\t    2048 kB\n"), Some(2.0));
    assert_eq!(high_water_mib("VmRSS: 1 kB"), None);
}

#[test]
fn the_rate_is_that_of_the_fastest_run() {
    let mut runs = 0;
    let rate = best_rate(|count| {
        runs += 1;
        // 1 ms a unit; every other run is disturbed.
        Ok(Duration::from_millis(count as u64 * if runs % 2 == 0 { 3 } else { 1 }))
    });
    assert!((rate.unwrap() - 1000.0).abs() < 1e-6);
}

#[test]
fn small_data_meets_the_cache() {
    let peaks = Peaks { read_gb_per_s: 10.0, cached_gb_per_s: 40.0, ..Peaks::default() };
    assert_eq!((peaks.bandwidth(CACHED_BYTES), peaks.bandwidth(CACHED_BYTES + 1)), (40.0, 10.0));
}

#[test]
fn every_kernel_of_the_table_has_sizes_and_a_time() {
    for &kernel in Kernel::ALL {
        assert!(!kernel.timed.is_empty());
        let sizes: Vec<usize> = kernel.timed[0].iter().map(|s| (*s).min(16)).collect();
        let case = sized(kernel, &sizes, Products::default());
        let peaks = Peaks { gflop_per_s: 1.0, read_gb_per_s: 1.0, dispatch_us: 1.0, ..Peaks::default() };
        let line = pollster::block_on(time(&Device::cpu(), &case, &peaks)).unwrap();
        assert_eq!((line.kernel.as_str(), line.time_us.count), (kernel.name, TIMES));
        assert!(line.bytes > 0 && line.time_us.median >= 0.0, "{line:?}");
    }
}

/// A matrix product of side `n`, or a sum of so many numbers where that is many, against round peaks.
fn timed(n: u32, time_us: f64) -> DispatchLine {
    let peaks =
        Peaks { gflop_per_s: 10.0, read_gb_per_s: 10.0, cached_gb_per_s: 40.0, dispatch_us: 2.0, ..Peaks::default() };
    let args = Args { params: vec![Param::U(n); 3], constants: vec![] };
    let dispatch =
        |kernel| Dispatch { kernel, label: String::new(), args: args.clone(), bindings: vec![], grid: [1, 1, 1] };
    let kernel = if n > 1000 { Kernel::add } else { Kernel::matmul };
    DispatchLine::new(&dispatch(kernel), &[time_us], &peaks)
}

#[test]
fn the_slowest_of_operations_bytes_and_nothing_is_the_bound() {
    // 2 * 4^3 operations take 0.01 us: a dispatch that does nothing takes longer.
    assert_eq!((timed(4, 4.0).bound, timed(4, 4.0).share_of_peak), (Bound::Overhead, 0.5));
    // 2 * 100^3 operations at 10^10 a second.
    let product = timed(100, 400.0);
    assert_eq!((product.bound, product.share_of_peak, product.gflop_per_s), (Bound::Compute, 0.5, 5.0));
    // Three arrays of 4 MB at 10^10 bytes a second; the operations would take a sixth of that.
    let sum = timed(1_000_000, 2400.0);
    assert_eq!((sum.bound, sum.share_of_peak, sum.gb_per_s), (Bound::Bandwidth, 0.5, 5.0));
}

#[test]
fn a_point_lies_where_its_rate_is_and_never_leaves_the_plot() {
    let peaks = Peaks { gflop_per_s: 100.0, read_gb_per_s: 10.0, cached_gb_per_s: 50.0, ..Peaks::default() };
    let args = Args { params: vec![Param::U(64); 3], constants: vec![] };
    let dispatch = Dispatch { kernel: Kernel::matmul, label: "<a>".into(), args, bindings: vec![], grid: [1, 1, 1] };
    // 2 * 64^3 operations in 524.288 us are 1 GFLOP/s; 3 * 64^2 * 4 bytes make 10.7 operations a byte.
    let line = DispatchLine::new(&dispatch, &[524.288], &peaks);
    let still = DispatchLine { gflop_per_s: f64::INFINITY, ..line.clone() };
    let svg = roofline("a & b", &peaks, &[("digits", &[line, still])]);
    // The axes reach from 0.1 to 100 operations a byte and from 1 to 100 GFLOP/s.
    let x = LEFT + (10.666_666_f64.log10() + 1.0) / 3.0 * (WIDTH - RIGHT - LEFT);
    let found = format!("cx=\"{x:.1}\" cy=\"{:.1}\"", HEIGHT - BOTTOM);
    assert!(svg.contains(&found), "{found}\n{svg}");
    // One point, and the legend's.
    assert_eq!(svg.matches("<circle").count(), 2);
    assert!(svg.contains("a &amp; b") && svg.contains("&lt;a&gt;") && !svg.contains("inf") && !svg.contains("NaN"));
}
