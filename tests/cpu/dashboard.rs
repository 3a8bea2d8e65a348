//! The dashboard of `wgrad train --tui` on a terminal in memory.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use wgrad::report::{EpochRecord, RunReport, Times};
use wgrad::testing::cli::dashboard::draw::{draw, duration, padded, short};
use wgrad::testing::cli::dashboard::state::{Curve, MESSAGES, POINTS, State};
use wgrad::train::run::Progress;

fn state(steps: u64) -> State {
    let mut state = State::new("digits.toml");
    let report = RunReport { epochs_planned: 10, layers: vec!["64 -> 10".into()], ..RunReport::default() };
    state.started(&report, std::path::Path::new("runs/digits-1"));
    for step in 1..=steps {
        state.progress(&Progress {
            epoch: 1,
            steps: step,
            total_steps: 100,
            loss: 100.0 / step as f64,
            samples_per_second: 1234.0,
            times: Times { device: 3.0, save: 1.0, ..Times::default() },
        });
    }
    state
}

fn picture(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, "paused")).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = buffer.content.chunks(usize::from(width));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
}

#[test]
fn everything_has_its_place() {
    let shown = picture(&state(50), 120, 30);
    for part in [
        "wgrad digits.toml: paused",
        "epoch 1/10  step 50/100  loss 2.00000",
        "loss over steps, logarithmic",
        "runs/digits-1",
        "64 -> 10",
        "1,234 samples/s",
        "75.0 %",
        "training",
        "q stop and save",
    ] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
    assert!(!shown.contains("validation  0.25"), "there is none yet");
    let mut state = state(50);
    state.epoch(&EpochRecord { epoch: 1, step: 50, validation_loss: Some(0.25), ..EpochRecord::default() });
    let shown = picture(&state, 120, 30);
    assert!(shown.contains("validation  0.25000"), "{shown}");
}

#[test]
fn every_size_and_every_state_can_be_drawn() {
    for state in [State::new("t"), state(0), state(1), state(2), state(5000)] {
        for (width, height) in [(1, 1), (39, 30), (40, 12), (80, 24), (90, 13), (300, 90)] {
            let shown = picture(&state, width, height);
            assert_eq!(shown.lines().count(), usize::from(height));
        }
    }
    assert!(picture(&state(3), 39, 12).contains("epoch 1/10"));
}

#[test]
fn numbers_and_times_are_short() {
    assert_eq!([0.0, 0.5, 123.4567, 1e-5, 2e9].map(short), ["0.0000", "0.5000", "123.4567", "1.0e-5", "2.0e9"]);
    assert_eq!([5.4, 65.0, 3725.0].map(duration), ["0:05", "1:05", "1:02:05"]);
    assert_eq!(padded(2.0, 2.0), (1.0, 3.0));
}

#[test]
fn a_long_curve_is_thinned_and_keeps_its_ends_and_its_mean() {
    let mut curve = Curve::default();
    let steps = 10 * POINTS as u64;
    (1..=steps).for_each(|step| curve.push(step, if step % 2 == 0 { 1.0 } else { 3.0 }));
    assert!(curve.points.len() < 2 * POINTS, "{}", curve.points.len());
    assert!(curve.points.windows(2).all(|w| w[0].0 < w[1].0));
    assert_eq!(curve.points.last().unwrap().0, steps as f64);
    assert_eq!(curve.points[0].1, 2.0, "the mean of neighbours");
    curve.push(steps + 1, f64::NAN);
    assert_eq!(curve.points.last().unwrap().0, steps as f64, "what is no number has no place on a chart");
}

#[test]
fn messages_that_must_be_said_again_are_not_pushed_out() {
    let mut state = State::new("t");
    state.lasting("note: \u{1b}[2Jdevice".into());
    (0..2 * MESSAGES).for_each(|i| state.passing(&i.to_string()));
    assert_eq!(state.lasting_messages().collect::<Vec<_>>(), ["note: \\u{1b}[2Jdevice"]);
    assert_eq!(state.messages(2).collect::<Vec<_>>(), ["398", "399"]);
}
