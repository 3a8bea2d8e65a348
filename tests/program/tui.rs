//! `train --tui`: the dashboard is drawn, its keys work, and the terminal is itself again on every way out.
//!
//! `script` (util-linux) gives the program a terminal of its own; its `stty` says afterwards in which mode that was left.
#![cfg(all(target_os = "linux", feature = "tui"))]

use crate::support::program;

use program::{IRIS, Place, REGRESSION};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Sequences that change to the other screen and back (xterm's control sequences, private mode 1049).
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";
const SIZE: (u16, u16) = (30, 120);
/// A busy machine may be slow; a test that hangs must end.
const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal in memory.
fn terminal() -> vt100::Parser {
    let [rows, cols] = [SIZE.0, SIZE.1].map(|size| NonZeroU16::new(size).unwrap());
    vt100::Parser::new(rows, cols, 0)
}

/// A command on a terminal of its own.
struct Session {
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Session {
    fn start(place: &Place, args: &str) -> Session {
        let program = place.command(&[]).get_program().to_str().unwrap().to_owned();
        // The number of the shell is that of the program, which takes its place.
        let (rows, cols) = SIZE;
        let train = format!("sh -c 'echo pid=$$.; exec {program} train {args} --device cpu --tui'");
        let line = format!("stty rows {rows} cols {cols}; {train}; echo code=$?.; stty -a; echo all is said");
        let mut child = Command::new("script")
            .args(["-qefc", &line, "/dev/null"])
            .env("TERM", "xterm-256color")
            .current_dir(place.path("."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, of util-linux");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut output, theirs) = (child.stdout.take().unwrap(), Arc::clone(&shown));
        let reader = std::thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut block) {
                theirs.lock().unwrap().extend_from_slice(&block[..count]);
            }
        });
        Session { child, shown, reader }
    }

    /// What a person sees now.
    fn screen(&self) -> String {
        let mut terminal = terminal();
        terminal.process(&self.shown.lock().unwrap());
        terminal.screen().contents()
    }

    #[track_caller]
    fn wait_for(&self, part: &str) {
        let begin = Instant::now();
        while !self.screen().contains(part) {
            assert!(begin.elapsed() < PATIENCE, "`{part}` does not come:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    fn signal(&self, name: &str) {
        let text = String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned();
        let number = text.split("pid=").nth(1).unwrap().split('.').next().unwrap().to_owned();
        assert!(Command::new("kill").args([&format!("-{name}"), &number]).status().unwrap().success());
    }

    /// What is on the terminal at the end, which must be as it was.
    #[track_caller]
    fn end(mut self, code: i32) -> String {
        self.wait_for("all is said");
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
        let screen = self.screen();
        self.reader.join().unwrap();
        let text = String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned();
        assert!(screen.contains(&format!("code={code}.")), "{screen}");
        let (before, after) = text.rsplit_once("code=").unwrap();
        assert_eq!((before.matches(ENTER).count(), before.matches(LEAVE).count()), (1, 1), "{text:?}");
        let mut terminal = terminal();
        terminal.process(text.as_bytes());
        assert!(!terminal.screen().hide_cursor(), "the cursor is hidden");
        let words: Vec<&str> = after.split_whitespace().map(|w| w.trim_end_matches(';')).collect();
        assert!(words.contains(&"icanon") && words.contains(&"echo"), "raw mode is left: {after}");
        screen
    }
}

/// A run that lasts until it is stopped.
fn endless(place: &Place) {
    let spec = IRIS.replace("epochs = 3", "epochs = 100000000");
    place.write("iris.toml", &format!("{spec}\n[train.checkpoint]\nsteps = 0\nminutes = 0\n"));
}

#[test]
fn a_run_is_shown_to_its_end() {
    let place = Place::new();
    let screen = Session::start(&place, "iris.toml --run r").end(0);
    assert!(screen.contains("trained 3 epochs") && !screen.contains("loss over steps"), "{screen}");
    // The dashboard has no part in what is trained.
    place.good(&["train", "iris.toml", "--run", "plain", "--device", "cpu"]);
    assert!(place.bytes("r/model.safetensors") == place.bytes("plain/model.safetensors"));
}

#[test]
fn keys_save_pause_and_stop() {
    let place = Place::new();
    endless(&place);
    let mut session = Session::start(&place, "iris.toml --run r");
    session.wait_for("loss over steps");
    session.wait_for("evaluate");
    let screen = session.screen();
    for part in
        ["wgrad iris.toml", "/100000000  step ", "4 -> 8 tanh", "samples/s", "device", "messages", "q stop and save"]
    {
        assert!(screen.contains(part), "`{part}` is not in\n{screen}");
    }
    session.press("s");
    session.wait_for("checkpoint of step");
    session.press("p");
    session.wait_for("wgrad iris.toml: paused");
    let standing = session.screen();
    session.press("p");
    session.wait_for("going on");
    assert_ne!(session.screen(), standing);
    session.press("q");
    let screen = session.end(0);
    assert!(screen.contains("interrupted after"), "{screen}");
    place.good(&["digest", "r"]);
}

#[test]
fn interrupts_and_signals_give_the_terminal_back() {
    let place = Place::new();
    endless(&place);
    let mut session = Session::start(&place, "iris.toml --run a");
    session.wait_for("training");
    // In raw mode the key Ctrl-C.
    session.press("\u{3}");
    assert!(session.end(0).contains("interrupted after"));
    let session = Session::start(&place, "iris.toml --run b");
    session.wait_for("training");
    session.signal("TERM");
    assert!(session.end(0).contains("interrupted after"));
}

#[test]
fn an_error_is_said_on_the_terminal_as_it_was() {
    let place = Place::new();
    place.write_edited("wild.toml", REGRESSION, "lr = 0.1", "lr = 1e9");
    let screen = Session::start(&place, "wild.toml --run r").end(1);
    assert!(screen.contains("error: "), "{screen}");
}

/// Stopped at once, while there is nothing to save: the data are still read.
#[test]
fn a_stop_that_does_not_wait_gives_the_terminal_back() {
    let place = Place::new();
    let rows: String = place.read("iris.csv").lines().skip(1).map(|line| format!("{line}\n")).collect();
    let head = place.read("iris.csv").lines().next().unwrap().to_string();
    place.write("iris.csv", &format!("{head}\n{}", rows.repeat(20_000)));
    let mut session = Session::start(&place, "iris.toml --run s");
    session.wait_for("reading the data");
    session.press("q");
    let screen = session.end(130);
    assert!(screen.contains("stopped before training began"), "{screen}");
}

#[test]
fn without_a_terminal_it_is_refused() {
    let place = Place::new();
    let found = place.run(&["train", "iris.toml", "--run", "r", "--device", "cpu", "--tui"]);
    found.is_refusal(&["--tui", "stdin or stderr is none"]);
    assert!(!place.path("r").exists());
}
