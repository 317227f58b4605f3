//! What is written faster than its caller takes it: a file without a name that one thread fills and the answer's body is
//! read from while it grows. The file is gone with its last handle, however the process ends.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{mpsc, watch};

/// Bytes that are written, and read, at a time.
const PIECE: usize = 1 << 16;
/// After so many bytes it is looked whether the disk has room left.
const ROOM_EVERY: u64 = 8 << 20;

/// How far the file is.
#[derive(Clone, Copy, Default)]
struct Progress {
    written: u64,
    /// Whether what was to be written is whole; none while it is being written.
    whole: Option<bool>,
}

/// What a spool may take.
#[derive(Clone, Copy)]
pub struct Limits {
    /// The largest file.
    pub bytes_max: u64,
    /// What the disk must have left.
    pub free_min: u64,
}

/// The filling end. Dropped before [`Filling::finish`] it leaves what cannot be taken for whole.
pub struct Filling {
    file: Arc<File>,
    limits: Limits,
    buffer: Vec<u8>,
    progress: watch::Sender<Progress>,
    stop: Arc<AtomicBool>,
    is_closing: Box<dyn Fn() -> bool + Send>,
}

/// The reading end.
pub struct Reading {
    file: Arc<File>,
    progress: watch::Receiver<Progress>,
    _stop: Stop,
}

/// Ends the filling when nobody reads any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Makes a file in the folder, the system's own for such files where there is none. What is filled in ends with an error
/// once `is_closing`.
///
/// # Errors
/// What the file system reports.
pub fn spool(
    folder: Option<&Path>,
    limits: Limits,
    is_closing: impl Fn() -> bool + Send + 'static,
) -> io::Result<(Filling, Reading)> {
    let file = match folder {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            tempfile::tempfile_in(folder)?
        }
        None => tempfile::tempfile()?,
    };
    let file = Arc::new(file);
    let (tell, progress) = watch::channel(Progress::default());
    let stop = Arc::new(AtomicBool::new(false));
    let filling = Filling {
        file: file.clone(),
        limits,
        buffer: Vec::with_capacity(PIECE),
        progress: tell,
        stop: stop.clone(),
        is_closing: Box::new(is_closing),
    };
    Ok((filling, Reading { file, progress, _stop: Stop(stop) }))
}

impl Filling {
    /// Says that all is written.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn finish(mut self) -> io::Result<()> {
        self.spill()?;
        self.progress.send_modify(|progress| progress.whole = Some(true));
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the caller went away"));
        }
        if (self.is_closing)() {
            return Err(io::Error::other("the server is shutting down"));
        }
        let before = self.progress.borrow().written;
        let after = before + self.buffer.len() as u64;
        if after > self.limits.bytes_max {
            let message = format!("it is larger than http.export_bytes_max, {} bytes", self.limits.bytes_max);
            return Err(io::Error::other(message));
        }
        if before == 0 || before / ROOM_EVERY != after / ROOM_EVERY {
            self.look_for_room()?;
        }
        self.file.write_all_at(&self.buffer, before)?;
        self.buffer.clear();
        self.progress.send_modify(|progress| progress.written = after);
        Ok(())
    }

    /// The store may lie on the same disk: it must not run out of room.
    fn look_for_room(&self) -> io::Result<()> {
        let disk = rustix::fs::fstatvfs(&self.file)?;
        match disk.f_bavail.saturating_mul(disk.f_frsize) < self.limits.free_min {
            true => {
                Err(io::Error::other("the disk is nearly full; http.export_free_bytes_min says what has to be left"))
            }
            false => Ok(()),
        }
    }
}

impl Write for Filling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > PIECE {
            self.spill()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// What is buffered is written by the next piece or by [`Filling::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        self.progress.send_modify(|progress| progress.whole = progress.whole.or(Some(false)));
    }
}

impl Reading {
    /// Waits so long at most until nothing more is written, and says how many bytes the whole has; none where it is not
    /// whole yet, an error where it never will be.
    pub async fn settled(&mut self, wait: Duration) -> Option<io::Result<u64>> {
        let settled = self.progress.wait_for(|progress| progress.whole.is_some());
        match tokio::time::timeout(wait, settled).await {
            Err(_) => None,
            Ok(Ok(progress)) if progress.whole == Some(true) => Some(Ok(progress.written)),
            Ok(_) => Some(Err(broken_off())),
        }
    }

    /// The body. `kept` is let go with the file. A caller who takes nothing for `patience` is given up; `length` is that of
    /// the whole, where it is known.
    pub fn body<T: Send + 'static>(self, length: Option<u64>, patience: Duration, kept: T) -> Pieces {
        let (tell, pieces) = mpsc::channel(1);
        tokio::spawn(async move {
            let given_up = self.send(&tell, patience).await;
            if let Err(why) = given_up {
                tracing::warn!(why, "an answer was broken off");
            }
            drop(kept);
        });
        Pieces { pieces, length, is_over: false }
    }

    async fn send(mut self, tell: &mpsc::Sender<io::Result<Piece>>, patience: Duration) -> Result<(), &'static str> {
        let mut sent = 0;
        loop {
            let Progress { written, whole } = *self.progress.borrow_and_update();
            let next = match whole {
                _ if sent < written => {
                    let size = PIECE.min((written - sent) as usize);
                    sent += size as u64;
                    read(&self.file, sent - size as u64, size).await
                }
                Some(true) => Ok(Piece::End),
                Some(false) => Err(broken_off()),
                None => {
                    let more = tokio::select! {
                        more = self.progress.changed() => more.is_ok(),
                        () = tell.closed() => return Err("the caller went away"),
                    };
                    // The filling end is gone: what it said last is read once more.
                    if !more && self.progress.borrow().whole.is_none() {
                        return Err("nobody fills it");
                    }
                    continue;
                }
            };
            let (is_last, is_broken) = (!matches!(next, Ok(Piece::Bytes(_))), next.is_err());
            match tokio::time::timeout(patience, tell.send(next)).await {
                Ok(_) if is_broken => return Err("what was to be sent is not whole"),
                // A caller that knows the length may leave when it has all.
                Ok(_) if is_last => return Ok(()),
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err("the caller went away"),
                Err(_) => return Err("the caller took nothing for http.export_stall_s"),
            }
        }
    }
}

async fn read(file: &Arc<File>, from: u64, size: usize) -> io::Result<Piece> {
    let file = file.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, from)?;
        Ok(Piece::Bytes(bytes.into()))
    });
    read.await.unwrap_or_else(|_| Err(broken_off()))
}

fn broken_off() -> io::Error {
    io::Error::other("it was broken off")
}

enum Piece {
    Bytes(Bytes),
    End,
}

/// A body that ends well only where the whole was sent.
pub struct Pieces {
    pieces: mpsc::Receiver<io::Result<Piece>>,
    /// Bytes still to come, where it is known.
    length: Option<u64>,
    is_over: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(self.pieces.poll_recv(context));
        Poll::Ready(match next {
            Some(Ok(Piece::Bytes(bytes))) => {
                self.length = self.length.map(|length| length.saturating_sub(bytes.len() as u64));
                Some(Ok(Frame::data(bytes)))
            }
            Some(Ok(Piece::End)) => {
                self.is_over = true;
                None
            }
            Some(Err(error)) => {
                self.is_over = true;
                Some(Err(error))
            }
            None => {
                self.is_over = true;
                Some(Err(broken_off()))
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
