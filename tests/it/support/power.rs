//! A disk whose power can be cut: ext4 on a loop device, shut down by its own ioctl, so that what was not synced is lost.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `FS_IOC_SHUTDOWN`, `_IOR('X', 125, __u32)`.
const SHUTDOWN: rustix::ioctl::Opcode = rustix::ioctl::opcode::read::<u32>(b'X', 125);
/// The journal is not flushed first.
const NO_LOG_FLUSH: u32 = 2;

/// A mounted ext4 image in a temporary folder. Unmounted when dropped.
pub struct Disk {
    folder: tempfile::TempDir,
    device: String,
    mounted: bool,
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
    match output.status.success() {
        true => Ok(said(&output.stdout)),
        false => Err(format!("{program} {}: {}", arguments.join(" "), said(&output.stderr))),
    }
}

impl Disk {
    /// Makes and mounts a disk of that size.
    ///
    /// # Errors
    /// What this machine lacks for it: root, loop devices, mkfs.ext4.
    pub fn new(mebibytes: u64) -> Result<Disk, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let image = folder.path().join("image");
        let file = File::create(&image).map_err(|error| error.to_string())?;
        file.set_len(mebibytes << 20).map_err(|error| error.to_string())?;
        std::fs::create_dir(folder.path().join("mounted")).map_err(|error| error.to_string())?;
        let image = image.display().to_string();
        run("mkfs.ext4", &["-q", "-F", &image])?;
        let device = run("losetup", &["--find", "--show", &image])?;
        let mut disk = Disk { folder, device, mounted: false };
        disk.mount()?;
        Ok(disk)
    }

    /// As [`Disk::new`]; where that fails, says loudly that `test` was not run.
    pub fn or_say(test: &str, mebibytes: u64) -> Option<Disk> {
        Disk::new(mebibytes).map_err(|lack| eprintln!("NOT RUN: power cut of {test}: {lack}")).ok()
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    /// Cuts the power: every later access fails, and nothing that was not synced is on the disk.
    pub fn cut(&self) {
        shut_down(&self.path()).expect("ext4 can be shut down");
    }

    /// Brings it back after a cut. Every process that used it must be gone.
    pub fn restore(&mut self) {
        self.unmount().expect("nothing uses the disk any more");
        self.mount().expect("the disk mounts again");
    }

    fn mount(&mut self) -> Result<(), String> {
        run("mount", &["-t", "ext4", &self.device, &self.path().display().to_string()])?;
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<(), String> {
        run("umount", &[&self.path().display().to_string()])?;
        self.mounted = false;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = self.unmount();
        }
        let _ = run("losetup", &["--detach", &self.device]);
    }
}

fn shut_down(mounted: &Path) -> std::io::Result<()> {
    let folder = File::open(mounted)?;
    // SAFETY: the operation reads one u32 and touches nothing of this process.
    unsafe {
        let request = rustix::ioctl::Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH);
        rustix::ioctl::ioctl(&folder, request)?;
    }
    Ok(())
}
