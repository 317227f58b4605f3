//! Keeps the panics of the embedded store, which is how it answers to damage, from being printed as crashes.

use std::cell::Cell;
use std::sync::Once;

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Makes panics inside [`quietly`], and on the threads whose names begin so, one line of the log; all others are
/// handled as before. Does so once in a process.
pub fn keep_quiet(threads: &'static [&'static str]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let own = |name: &str| threads.iter().any(|prefix| name.starts_with(prefix));
            if EXPECTED.get() || thread.name().is_some_and(own) {
                // The place only: the message may hold what was read.
                let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
                tracing::error!(place, "the embedded store panicked, as it does on a damaged file");
            } else {
                others(info);
            }
        }));
    });
}

/// Runs `call`, whose panics the caller catches.
pub fn quietly<T>(call: impl FnOnce() -> T) -> T {
    let before = EXPECTED.replace(true);
    let result = call();
    EXPECTED.set(before);
    result
}
