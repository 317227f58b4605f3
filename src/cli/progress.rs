//! How far a long command is: a bar on a terminal, else a line at every tenth.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::show;

/// The progress of one command.
pub(super) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins; `what` is what is counted.
    pub fn of(what: &'static str, total: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = "{bar:40} {human_pos} of {human_len} {msg}, {per_sec}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar.with_message(what)
        });
        Progress { what, total, done: 0, bar }
    }

    /// So many are done by now.
    pub fn at(&mut self, done: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None => {
                let tenth = |n: u64| n * 10 / self.total.max(1);
                if tenth(done) > tenth(self.done) {
                    show::remark(&format!("{done} of {} {}", self.total, self.what));
                }
            }
        }
        self.done = done;
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
