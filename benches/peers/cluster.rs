//! A throw-away PostgreSQL: installed where it is missing, run by an ordinary user on a socket in a temporary folder, and
//! ended by its process id.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

/// The role that owns the cluster.
const ROLE: &str = "peers";
const START_MAX: Duration = Duration::from_secs(60);
/// Below this version it is no peer.
const MAJOR_MIN: u32 = 15;

/// A running cluster. Dropped, it ends.
pub struct Cluster {
    folder: tempfile::TempDir,
    server: Child,
}

/// The user to run as, where this process is root: PostgreSQL refuses to be.
struct Ordinary {
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Makes and starts one whose shared buffers have so many bytes.
    pub fn start(buffers: u64) -> Cluster {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("peers-").tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let user = rustix::process::getuid().is_root().then(ordinary);
        if let Some(user) = &user {
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("permissions");
            chown(folder.path(), Some(user.uid), Some(user.gid)).expect("the folder is given away");
        }
        let mut init = command(&programs.join("initdb"), user.as_ref());
        init.args([
            "--auth=trust",
            "--encoding=UTF8",
            "--lc-collate=C",
            "--lc-ctype=C.UTF-8",
            "--username",
            ROLE,
            "-D",
        ]);
        let made = init.arg(&data).stdout(Stdio::null()).status().expect("initdb runs");
        assert!(made.success(), "initdb makes a cluster");
        let mut server = command(&programs.join("postgres"), user.as_ref());
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        for (name, value) in settings(buffers) {
            server.arg("-c").arg(format!("{name}={value}"));
        }
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let server = server.stdout(Stdio::null()).stderr(log).spawn().expect("postgres starts");
        Cluster { folder, server }
    }

    /// A connection, once it takes any.
    pub fn connect(&self) -> Client {
        let mut config = postgres::Config::new();
        config.host_path(self.folder.path()).user(ROLE).dbname("postgres");
        let started = Instant::now();
        loop {
            match config.connect(NoTls) {
                Ok(client) => return client,
                Err(error) if started.elapsed() > START_MAX => {
                    let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                    panic!("PostgreSQL does not answer: {error}\n{log}");
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Mebibytes of all its processes, shared memory counted once.
    pub fn memory_mb(&self) -> u64 {
        let server = self.server.id();
        let mut processes = vec![server];
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
            processes.extend((parent == Some(server)).then_some(id));
        }
        let share = |id: &u32| {
            let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with("Pss:"));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
        };
        processes.iter().map(share).sum::<u64>() / 1024
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(id) = rustix::process::Pid::from_raw(self.server.id() as i32) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
        }
        let _ = self.server.wait();
    }
}

/// Durable writes, memory as for a machine that does little else, no just-in-time compiling of millisecond queries.
fn settings(buffers: u64) -> Vec<(&'static str, String)> {
    let fixed = [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("work_mem", "128MB"),
        ("maintenance_work_mem", "1GB"),
        ("max_wal_size", "8GB"),
        ("checkpoint_timeout", "30min"),
        ("random_page_cost", "1.1"),
        ("effective_io_concurrency", "100"),
        ("jit", "off"),
    ];
    let megabytes = |bytes: u64| format!("{}MB", bytes >> 20);
    let mut settings: Vec<_> = fixed.map(|(name, value)| (name, value.to_owned())).into();
    settings.push(("shared_buffers", megabytes(buffers)));
    settings.push(("effective_cache_size", megabytes(buffers * 3)));
    settings
}

/// Where the server's programs are, installed first if need be.
fn programs() -> PathBuf {
    installed()
        .or_else(|| {
            eprintln!("peers: installs PostgreSQL");
            for arguments in
                [["update", "-q"].as_slice(), &["install", "-y", "-q", "--no-install-recommends", "postgresql"]]
            {
                let _ = Command::new("apt-get")
                    .args(arguments)
                    .env("DEBIAN_FRONTEND", "noninteractive")
                    .stdout(Stdio::null())
                    .status();
            }
            installed()
        })
        .expect("PostgreSQL from 15 on is below /usr/lib/postgresql, or apt-get can install it")
}

fn installed() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let versions = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.filter(|version| *version >= MAJOR_MIN).max()?;
    let programs = Path::new("/usr/lib/postgresql").join(newest.to_string()).join("bin");
    programs.join("postgres").exists().then_some(programs)
}

/// `postgres` where there is such a user, else `nobody`.
fn ordinary() -> Ordinary {
    let users = std::fs::read_to_string("/etc/passwd").expect("a list of users");
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().ok());
        Some(Ordinary { uid: ids.next()??, gid: ids.next()?? })
    };
    of("postgres").or_else(|| of("nobody")).expect("an ordinary user")
}

/// The program as that user, ended with this process should this one be killed.
fn command(program: &Path, user: Option<&Ordinary>) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=INT").current_dir("/");
    if let Some(user) = user {
        command.args([format!("--reuid={}", user.uid), format!("--regid={}", user.gid), "--clear-groups".into()]);
    }
    command.arg(program);
    command
}
