//! Samples in a file, on the CPU: the bits are those of the same order in memory, whatever the number of threads, wherever
//! the epoch is left.

use crate::support;

use support::stream::{BATCH, ROWS, STEPS, evaluated, file_against_memory, in_file, net, resumed, rows_of};
use wgrad::exec::Device;
use wgrad::graph::Loss;
use wgrad::plan::Limits;

/// 17 rows fit a piece: two steps of a window of three.
const SMALL: Limits = Limits { max_storage_buffer_binding_size_bytes: 4 * 6 * 17, ..Limits::CPU };

#[test]
fn training_from_a_file_gives_the_bits_of_the_same_order_in_memory() {
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| file_against_memory(&Device::cpu(), SMALL));
    }
}

#[test]
fn an_epoch_that_is_left_and_gone_on_with_gives_the_same_bits() {
    // Within a window, between two, at the ends.
    resumed(&Device::cpu(), SMALL, &[1, 2, 3, 4, 11, STEPS - 1, STEPS]);
}

#[test]
fn evaluation_does_not_depend_on_where_samples_are() {
    evaluated(&Device::cpu(), SMALL);
}

#[test]
fn every_number_of_threads_reads_the_same_samples_from_any_step_on() {
    let network = net(Loss::cross_entropy());
    let set = in_file(&network);
    for epoch in 0..2 {
        let order = set.order(4, epoch);
        let rows = rows_of(&order);
        assert_eq!(rows.len(), ROWS);
        for step in [0, 1, 2, 3, 7, STEPS - 1] {
            let read = |threads: usize| {
                let (mut feed, mut skip) = set.feed_on(threads, &order, step * BATCH, 1);
                let (mut x, mut classes) = (Vec::new(), Vec::new());
                while let Some(piece) = feed.take().unwrap() {
                    let (part, targets) = wgrad::testing::data::part(&piece, skip..piece.rows);
                    x.extend_from_slice(part);
                    let wgrad::data::RowTargets::Classes(c) = targets else { panic!("classes") };
                    classes.extend_from_slice(c);
                    skip = 0;
                    feed.give_back(piece);
                }
                (x, classes)
            };
            let one = read(1);
            assert_eq!(one.1, rows[step * BATCH..].iter().map(|r| r * 7 % 3).collect::<Vec<_>>(), "step {step}");
            assert_eq!(one.0.len(), 6 * one.1.len());
            for threads in [2, 4, 9] {
                assert!(read(threads) == one, "{threads} threads from step {step}");
            }
        }
    }
}
