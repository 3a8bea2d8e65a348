//! `wgrad train --tui`: a dashboard in the terminal.
//!
//! The run tells a [`Dashboard`] what happens, as it tells any observer; a thread of the dashboard's own draws ten times a
//! second and takes the keys, so that training never waits for the terminal. The terminal gets back its mode and its
//! content on every way out: the end, an error, a stop, a signal, a panic.

pub mod draw;
mod screen;
pub mod state;

pub use screen::leave;

use super::out;
use super::stop::Stop;
use crate::report::{EpochRecord, Recovery, RunReport};
use crate::train::run::{Observer, Progress};
use crate::train::run_folder::RunFolder;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use screen::Screen;
use state::State;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two pictures, and the longest that a key waits.
const FRAME: Duration = Duration::from_millis(100);

/// An observer that shows a run on the whole terminal.
pub struct Dashboard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the run and the drawing thread both touch.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    stop: Stop,
    checkpoint: AtomicBool,
    paused: AtomicBool,
    over: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers to look at: a thread that panicked leaves them as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dashboard {
    /// Takes the terminal over. `what` is the name of the spec or the run.
    ///
    /// # Errors
    /// Where stderr is no terminal, or it cannot be set up.
    pub fn open(what: &str, stop: Stop) -> anyhow::Result<Dashboard> {
        let screen = Screen::enter()?;
        let shared = Arc::new(Shared { state: Mutex::new(State::new(what)), stop, ..Shared::default() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("dashboard".into()).spawn(move || show(screen, &theirs))?;
        Ok(Dashboard { shared, thread: Some(thread) })
    }
}

impl Drop for Dashboard {
    /// Gives the terminal back and says again, below the command, what must not be lost with the picture.
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // A panic of the thread was told when it happened.
        let _ = self.thread.take().map(JoinHandle::join);
        leave();
        self.shared.state().lasting_messages().for_each(out::words);
    }
}

impl Observer for Dashboard {
    fn started(&mut self, report: &RunReport, folder: &RunFolder) {
        self.shared.stop.started();
        self.shared.state().started(report, folder.path());
    }

    fn progress(&mut self, progress: &Progress) {
        self.shared.state().progress(progress);
        while self.shared.paused.load(Ordering::Relaxed) && !self.shared.stop.is_asked() {
            std::thread::sleep(FRAME / 5);
        }
    }

    fn epoch(&mut self, record: &EpochRecord) {
        self.shared.state().epoch(record);
    }

    fn checkpoint_written(&mut self, steps: u64) {
        self.shared.checkpoint.store(false, Ordering::Relaxed);
        self.shared.state().passing(&format!("checkpoint of step {}", out::count(steps)));
    }

    fn notice(&mut self, text: &str) {
        self.shared.state().lasting(format!("note: {text}"));
    }

    fn device_lost(&mut self, recovery: &Recovery) {
        self.shared.state().lasting(super::progress::loss_of_device(recovery));
    }

    fn stop_requested(&self) -> bool {
        self.shared.stop.is_asked()
    }

    fn checkpoint_requested(&self) -> bool {
        self.shared.checkpoint.load(Ordering::Relaxed)
    }
}

/// The thread: pictures and keys until the run is over.
fn show(mut screen: Screen, shared: &Shared) {
    loop {
        let standing = match (shared.stop.is_asked(), shared.paused.load(Ordering::Relaxed)) {
            (true, _) => "stopping, with everything saved; once more to stop at once",
            (false, true) => "paused",
            (false, false) => "",
        };
        if screen.draw(|frame| draw::draw(frame, &shared.state(), standing)).is_err() {
            // A terminal that went away: the run goes on without it.
            return;
        }
        if shared.over.load(Ordering::Relaxed) {
            return;
        }
        match event::poll(FRAME) {
            Ok(true) => take(event::read(), shared),
            Ok(false) => {}
            Err(_) => std::thread::sleep(FRAME),
        }
    }
}

fn take(event: std::io::Result<Event>, shared: &Shared) {
    let Ok(Event::Key(key)) = event else { return };
    if key.kind == KeyEventKind::Release {
        return;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        // In raw mode Ctrl-C is a key and no signal.
        KeyCode::Char('c') if control => shared.stop.ask(),
        KeyCode::Char('q') | KeyCode::Esc => shared.stop.ask(),
        KeyCode::Char('p') | KeyCode::Char(' ') => {
            let paused = !shared.paused.fetch_xor(true, Ordering::Relaxed);
            shared.state().passing(if paused { "paused; p goes on" } else { "going on" });
        }
        KeyCode::Char('s') => {
            shared.checkpoint.store(true, Ordering::Relaxed);
            shared.state().passing("a checkpoint is written after this submit");
        }
        _ => {}
    }
}
