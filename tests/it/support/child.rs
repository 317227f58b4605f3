//! Runs one test of this binary in a process of its own, so that it can be limited, cut off and killed.

use std::path::Path;
use std::process::{Command, Stdio};

/// Tells the child's test which folder it works in; without it that test does nothing.
pub const FOLDER: &str = "ROLLCALL_TEST_CHILD_FOLDER";

/// The command that runs `test` (its full path in this binary) on `folder`, after `prelude` in a shell.
pub fn command(test: &str, folder: &Path, prelude: &str) -> Command {
    let mut command = Command::new("sh");
    let binary = std::env::current_exe().expect("a test has a binary");
    command.arg("-c").arg(format!("{prelude} exec \"$0\" \"$@\"")).arg(binary);
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(FOLDER, folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// The folder this process was started for, if it is such a child.
pub fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}
