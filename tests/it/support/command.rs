//! Runs the built command on a data folder.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use rollcall::clock::Clock;
use rollcall::config::Config;
use rollcall::engine::{Engine, NewWorkspace};
use rollcall::store::{MemoryStore, SledSettings, SledStore, Store};

/// The command with these arguments, away from any configuration of the machine.
pub fn rollcall(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).arg("--folder").arg(folder);
    command.stdin(Stdio::null()).env_remove("ROLLCALL_CONFIG");
    command
}

/// Runs it to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    rollcall(folder, arguments).output().expect("the command starts")
}

/// Runs it, expects exit code 0, and gives what it printed.
#[track_caller]
pub fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// Runs it, expects this exit code, and gives its complaint, which is one line.
#[track_caller]
pub fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(folder, arguments);
    let complaint = String::from_utf8(output.stderr).expect("a complaint is UTF-8");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
    complaint
}

/// The engine over a folder that commands wrote, as a server would open it.
pub fn open(folder: &Path) -> Arc<Engine> {
    let config = Config::defaults().expect("the defaults are read");
    let settings = SledSettings { cache_bytes: 16 << 20, flush_every_ms: 500 };
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&folder.join("store"), settings).expect("the store opens"));
    Engine::open(store, Some(&folder.join("index")), config.engine, Clock::system()).expect("the engine opens")
}

/// An engine in memory at this time with one workspace.
pub fn in_memory(now: i64) -> (Arc<Engine>, rollcall::contact::Workspace) {
    let config = Config::defaults().expect("the defaults are read");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let engine = Engine::open(store, None, config.engine, Clock::fixed(now)).expect("the engine opens");
    let new = NewWorkspace {
        name: "here".to_owned(),
        default_country: Some("MY".to_owned()),
        timezone: "Asia/Kuala_Lumpur".to_owned(),
        locale: "en".to_owned(),
    };
    let workspace = engine.create_workspace(new).expect("a workspace is made");
    (engine, workspace)
}
