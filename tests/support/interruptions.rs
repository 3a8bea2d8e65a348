//! Stops a training program at random moments, again and again, and holds what it trains in the end against a run that
//! nothing disturbed.

use super::program::{IRIS, Place};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Moments, by xorshift64* (S. Vigna 2016).
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n.max(1)
    }
}

/// What happened.
#[derive(Debug, Default)]
pub struct Figures {
    /// Programs that were stopped before they ended.
    pub stopped: usize,
    /// Of those, before the folder held a run.
    pub in_start: usize,
    /// Starts that found the last checkpoint unusable or missing and took the one before it.
    pub took_previous: usize,
    /// Starts that found files that were not whole yet.
    pub left_temporary: usize,
    /// Runs that came to their end; each was compared.
    pub runs: usize,
}

/// A file as it is compared: metrics without the times, all else as it is.
pub fn compared(place: &Place, run: &str, file: &str) -> Vec<u8> {
    let bytes = place.bytes(&format!("{run}/{file}"));
    if file != "metrics.jsonl" {
        return bytes;
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut kept = String::new();
    for line in text.lines() {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["seconds"] = serde_json::Value::Null;
        record["samples_per_second"] = serde_json::Value::Null;
        kept.push_str(&format!("{record}\n"));
    }
    kept.into_bytes()
}

/// Fails unless both runs came to the same bits by the same curve.
#[track_caller]
pub fn assert_same_run(place: &Place, run: &str, whole: &str) {
    for file in ["model.safetensors", "checkpoint.safetensors", "metrics.jsonl", "preprocessing.json", "spec.toml"] {
        assert!(compared(place, run, file) == compared(place, whole, file), "{run}/{file} is not that of {whole}");
    }
    let digest = |run: &str| place.good(&["digest", run]).split(' ').next().unwrap().to_string();
    assert_eq!(digest(run), digest(whole));
}

/// Stops the training of `iris.toml` with `device` by the signal `name`, `stops` times in all, at moments spread over the
/// time that a run takes; whatever was stopped is started again. Every run that comes to its end is compared.
pub fn stop_again_and_again(place: &Place, device: &[&str], name: &str, stops: usize, epochs: usize) -> Figures {
    let spec = IRIS.replace("epochs = 3", &format!("epochs = {epochs}"));
    // So often that much of the time goes into checkpoints, and most of them within an epoch of 30 steps.
    place.write("iris.toml", &format!("{spec}\n[train.checkpoint]\nsteps = 7\nminutes = 0\n"));
    let begin = Instant::now();
    place.good(&[&["train", "iris.toml", "--run", "whole"], device].concat());
    let longest = begin.elapsed().as_millis() as u64;
    let seed = 0x9e37_79b9_7f4a_7c15;
    let (mut rng, mut figures) = (Rng(seed), Figures::default());
    loop {
        let run = format!("r{}", figures.runs);
        while !one_start(place, &run, device, name, &mut rng, longest, stops, &mut figures) {}
        assert_same_run(place, &run, "whole");
        figures.runs += 1;
        std::fs::remove_dir_all(place.path(&run)).unwrap();
        if figures.stopped >= stops {
            return figures;
        }
    }
}

/// Starts the run, or starts it again, and stops it at a random moment while there are stops left; true when it came to its
/// end.
#[allow(clippy::too_many_arguments, reason = "one caller")]
fn one_start(
    place: &Place,
    run: &str,
    device: &[&str],
    name: &str,
    rng: &mut Rng,
    longest: u64,
    stops: usize,
    figures: &mut Figures,
) -> bool {
    let is_run = place.path(run).join("spec.toml").exists();
    let args: &[&str] = if is_run { &["train", "--resume", run] } else { &["train", "iris.toml", "--run", run] };
    if let Ok(entries) = std::fs::read_dir(place.path(run)) {
        let temporary = entries.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().ends_with(".tmp")).count();
        figures.left_temporary += usize::from(temporary > 0);
    }
    let mut command = place.command(&[args, device].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stop = figures.stopped < stops;
    if stop {
        std::thread::sleep(Duration::from_millis(rng.below(longest)));
        // A program that has ended is a zombie until it is waited for, so the number is still its own.
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    figures.took_previous += usize::from(stderr.contains("The one before it"));
    match output.status.code() {
        Some(0) if stdout.contains("interrupted after") => assert_ne!(name, "KILL", "{stdout}"),
        Some(0) => return true,
        // Asked to stop while there was nothing to save.
        Some(130) if stderr.contains("before training began") => assert_ne!(name, "KILL", "{stderr}"),
        None => assert!(stop, "{stderr}"),
        Some(code) => panic!("{args:?} ended with code {code}: {stderr}"),
    }
    figures.stopped += 1;
    figures.in_start += usize::from(!place.path(run).join("spec.toml").exists());
    false
}
