//! The terminal: taken over, and given back on every way out.

use anyhow::{Context, bail};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};
use std::io::{IsTerminal, Stderr, stderr, stdin};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours; a process has one.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Results go to stdout as ever, so the picture is on stderr.
pub struct Screen(Terminal<CrosstermBackend<Stderr>>);

impl Screen {
    /// Takes the terminal over.
    pub fn enter() -> anyhow::Result<Screen> {
        if !stderr().is_terminal() || !stdin().is_terminal() {
            bail!(
                "--tui draws on the terminal and takes its keys, but stdin or stderr is none. Leave --tui out: progress \
                 then comes as lines"
            );
        }
        leave_before_a_panic_speaks();
        let failed = "the terminal could not be set up for --tui. Leave --tui out";
        TAKEN.store(true, Ordering::SeqCst);
        // Only what differs from an empty picture is drawn first, and not every terminal's other screen is empty.
        let entered = enable_raw_mode();
        let entered = entered.and_then(|()| execute!(stderr(), EnterAlternateScreen, Clear(ClearType::All)));
        let screen = entered.and_then(|()| Terminal::new(CrosstermBackend::new(stderr())));
        if screen.is_err() {
            leave();
        }
        Ok(Screen(screen.context(failed)?))
    }

    /// Draws one picture, unless the terminal was given back.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> std::io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.0.draw(picture).map(drop)
    }
}

/// Gives the terminal back, if it is ours: its mode, its content and its cursor. May be called from anywhere, at any time.
pub fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // There is nobody to tell where a terminal does not listen.
        let _ = disable_raw_mode();
        let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    }
}

/// A panic's message would otherwise be drawn over and lost. A process takes its terminal over once at most.
fn leave_before_a_panic_speaks() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        leave();
        before(panic);
    }));
}
