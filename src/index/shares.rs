//! Work in shares: the first is done by who asks, the others by threads of their own.

use std::num::NonZero;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// No count has more shares than that: others want threads as well.
const SHARES_MAX: usize = 4;
/// A count's share takes so many tenths of a nanosecond at least: beginning a thread takes a tenth of that.
const SHARE_COST: u64 = if cfg!(test) { 2_000 } else { 4_000_000 };

/// One of so many.
#[derive(Clone, Copy)]
pub struct Share {
    pub(super) number: usize,
    pub(super) of: usize,
}

impl Share {
    /// Its part of a list.
    pub fn part<T>(self, list: &[T]) -> &[T] {
        let end = |number: usize| list.len() * number / self.of;
        &list[end(self.number)..end(self.number + 1)]
    }
}

/// What `work` makes of each of so many shares, one at least; of the first on this thread.
pub fn in_shares<T: Send>(of: usize, work: impl Fn(Share) -> T + Sync) -> Vec<T> {
    let first = Share { number: 0, of: of.max(1) };
    if of <= 1 {
        return vec![work(first)];
    }
    thread::scope(|scope| {
        let work = &work;
        let begin = |share: Share| thread::Builder::new().spawn_scoped(scope, move || work(share)).map_err(|_| share);
        let others: Vec<_> = (1..of).map(|number| begin(Share { number, of })).collect();
        let mut done = vec![work(first)];
        // Where the system has no thread to spare; before any other is waited for.
        let begun: Vec<_> = others.into_iter().map(|other| other.map_err(work)).collect();
        done.extend(begun.into_iter().map(|other| match other {
            Ok(other) => other.join().unwrap_or_else(|why| std::panic::resume_unwind(why)),
            Err(made) => made,
        }));
        done
    })
}

/// Threads that a count has beside the one that asks: in the whole process one less than there are processors, so that where many
/// ask at once each counts for itself.
pub(super) struct Extra(usize);

static IN_USE: AtomicUsize = AtomicUsize::new(0);

impl Extra {
    /// As many as work that costs so many tenths of a nanosecond gains by, as far as they are free.
    pub fn worth(cost: u64) -> Extra {
        // Asking the system takes as long as beginning a thread.
        static MOST: LazyLock<usize> = LazyLock::new(|| match thread::available_parallelism() {
            _ if cfg!(test) => SHARES_MAX,
            processors => processors.map_or(0, |processors| NonZero::get(processors) - 1),
        });
        let wanted = (cost / SHARE_COST).clamp(1, SHARES_MAX as u64) as usize - 1;
        let mut in_use = IN_USE.load(Ordering::Relaxed);
        loop {
            let taken = wanted.min(MOST.saturating_sub(in_use));
            match IN_USE.compare_exchange_weak(in_use, in_use + taken, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Extra(taken),
                Err(now) => in_use = now,
            }
        }
    }

    /// The work's shares.
    pub fn shares(&self) -> usize {
        self.0 + 1
    }
}

impl Drop for Extra {
    fn drop(&mut self) {
        IN_USE.fetch_sub(self.0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_list_are_the_list() {
        let list: Vec<usize> = (0..10).collect();
        for of in 1..=SHARES_MAX {
            let shares = (0..of).flat_map(|number| Share { number, of }.part(&list));
            assert!(shares.eq(&list));
        }
    }

    #[test]
    fn every_share_is_done_once_and_stands_in_its_place() {
        (0..9).for_each(|of| assert!(in_shares(of, |share| share.number).into_iter().eq(0..of.max(1))));
    }

    #[test]
    fn no_more_threads_are_taken_than_there_are() {
        assert_eq!((Extra::worth(0).shares(), Extra::worth(2 * SHARE_COST - 1).shares()), (1, 1));
        let all: Vec<Extra> = (0..100).map(|_| Extra::worth(u64::MAX)).collect();
        // Other tests may have some.
        assert!(all.iter().map(|extra| extra.shares() - 1).sum::<usize>() <= SHARES_MAX);
        assert!(all.iter().all(|extra| extra.shares() <= SHARES_MAX));
    }
}
