//! Work in shares, each on a thread of its own.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

/// No piece of work takes more threads than that: others want some as well.
const SHARES_MAX: u64 = 4;
/// A share takes so many tenths of a nanosecond at least: beginning a thread takes a tenth of that.
const SHARE_COST: u64 = if cfg!(test) { 2_000 } else { 4_000_000 };

/// One of so many.
#[derive(Clone, Copy)]
pub struct Share {
    pub(super) number: usize,
    pub(super) of: usize,
}

impl Share {
    pub(super) fn is_first(self) -> bool {
        self.number == 0
    }

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
        let others: Vec<_> = (1..of).map(|number| scope.spawn(move || work(Share { number, of }))).collect();
        let first = work(first);
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|why| std::panic::resume_unwind(why)));
        std::iter::once(first).chain(others).collect()
    })
}

/// In how many shares work that costs so many tenths of a nanosecond is done soonest.
pub(super) fn shares_of(cost: u64) -> usize {
    // Asking the system takes as long as beginning a thread.
    static PROCESSORS: LazyLock<u64> = LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get) as u64);
    (cost / SHARE_COST).clamp(1, SHARES_MAX.min(*PROCESSORS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_list_are_the_list() {
        let list: Vec<usize> = (0..10).collect();
        for of in 1..=SHARES_MAX as usize {
            let shares = (0..of).flat_map(|number| Share { number, of }.part(&list));
            assert!(shares.eq(&list));
        }
    }

    #[test]
    fn every_share_is_done_once_and_stands_in_its_place() {
        (0..9).for_each(|of| assert!(in_shares(of, |share| share.number).into_iter().eq(0..of.max(1))));
        assert_eq!((shares_of(0), shares_of(2 * SHARE_COST - 1)), (1, 1));
        assert!(shares_of(u64::MAX) as u64 <= SHARES_MAX);
    }
}
