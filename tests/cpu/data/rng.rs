//! Random numbers and permutations.

use wgrad::kernels::philox::philox4x32;
use wgrad::testing::data::rng::{Philox, Purpose, epoch_order, permutation, stream};

/// Known answers of the authors' library Random123 (file kat_vectors, philox4x32 with 10 rounds).
#[test]
fn philox_gives_the_known_answers() {
    assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(philox4x32([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    assert_eq!(
        philox4x32([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    );
}

#[test]
fn a_stream_is_the_blocks_of_its_counter() {
    let (seed, stream) = (0x0123_4567_89ab_cdef_u64, 0xfeed_beef_dead_c0de_u64);
    let mut rng = Philox::new(seed, stream);
    for block in 0..3_u32 {
        let words = philox4x32([block, 0, stream as u32, (stream >> 32) as u32], [seed as u32, (seed >> 32) as u32]);
        for word in words {
            assert_eq!(rng.next_u32(), word);
        }
    }
}

#[test]
fn uniform_numbers_fill_the_unit_interval() {
    let n = 100_000;
    let mut rng = Philox::new(7, 0);
    let values: Vec<f64> = (0..n).map(|_| rng.next_f64()).collect();
    assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
    // The mean of n uniform numbers has standard deviation sqrt(1 / 12 n); five of them are a chance of 6e-7.
    let mean = values.iter().sum::<f64>() / f64::from(n);
    assert!((mean - 0.5).abs() < 5.0 / (12.0 * f64::from(n)).sqrt(), "mean {mean}");
}

#[test]
fn integers_below_n_are_equally_likely() {
    // 3 * 2^30 is the worst case of the multiplication alone: four words go to three numbers, so that every third
    // number would come twice as often.
    let n = 3 << 30;
    let draws = 30_000_u32;
    let mut rng = Philox::new(1, 2);
    let thirds = (0..draws).filter(|_| rng.below(n).is_multiple_of(3)).count() as f64;
    // Binomial with p = 1/3; five standard deviations.
    let sd = (f64::from(draws) * (1.0 / 3.0) * (2.0 / 3.0)).sqrt();
    assert!((thirds - f64::from(draws) / 3.0).abs() < 5.0 * sd, "{thirds} of {draws}");
    assert_eq!(rng.below(0), 0);
    assert_eq!(rng.below(1), 0);
}

#[test]
fn a_permutation_holds_every_row_once_and_depends_on_seed_and_stream() {
    for n in [0, 1, 2, 97, 1000] {
        let mut order = permutation(3, 4, n);
        order.sort_unstable();
        assert_eq!(order, (0..n as u32).collect::<Vec<_>>());
    }
    assert_eq!(permutation(3, 4, 50), permutation(3, 4, 50));
    assert_ne!(permutation(3, 4, 50), permutation(3, 5, 50));
    assert_ne!(permutation(3, 4, 50), permutation(4, 4, 50));
    assert_ne!(epoch_order(1, 0, 50), epoch_order(1, 1, 50));
    assert_ne!(epoch_order(1, 0, 50), permutation(1, stream(Purpose::Split, 0), 50));
}

#[test]
fn every_permutation_of_three_is_equally_likely() {
    let mut counts = std::collections::BTreeMap::new();
    let draws = 6000_u32;
    for i in 0..draws {
        *counts.entry(permutation(9, u64::from(i), 3)).or_insert(0_u32) += 1;
    }
    assert_eq!(counts.len(), 6);
    let sd = (f64::from(draws) * (1.0 / 6.0) * (5.0 / 6.0)).sqrt();
    assert!(counts.values().all(|&c| (f64::from(c) - 1000.0).abs() < 5.0 * sd), "{counts:?}");
}
