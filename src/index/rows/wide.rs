//! Loops over words, compiled for the widest vectors the processor has. The only file that names fearless_simd.

use std::ops::RangeInclusive;

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, mask16x32, u16x32};

/// Runs a loop as the best of several compilations of it. The closure is to be `#[inline(always)]`, else there is but one.
#[inline(always)]
pub fn wide<R>(run: impl FnOnce() -> R) -> R {
    let level = Level::new();
    dispatch!(level, simd => simd.vectorize(run))
}

/// For each 64 numbers in turn calls `see` with their place, a bit for each number in the range, and a bit for each that is one of
/// `ends`.
#[inline(always)]
pub fn scan(
    numbers: &[[u16; 64]],
    range: &RangeInclusive<u16>,
    ends: (u16, u16),
    mut see: impl FnMut(usize, u64, u64),
) {
    let level = Level::new();
    dispatch!(level, simd => simd.vectorize(
        #[inline(always)]
        || scan_at(simd, numbers, range, ends, &mut see)
    ));
}

#[inline(always)]
fn scan_at<S: Simd>(
    simd: S,
    numbers: &[[u16; 64]],
    range: &RangeInclusive<u16>,
    ends: (u16, u16),
    see: &mut impl FnMut(usize, u64, u64),
) {
    let splat = |number| u16x32::splat(simd, number);
    let (first, width) = (splat(*range.start()), splat(range.end() - range.start()));
    let ends = (splat(ends.0), splat(ends.1));
    for (at, numbers) in numbers.iter().enumerate() {
        let (lower, upper) = numbers.split_at(32);
        let (lower, upper) = (u16x32::from_slice(simd, lower), u16x32::from_slice(simd, upper));
        let within = |numbers: u16x32<S>| (numbers - first).simd_le(width).to_bitmask();
        let is_end = |numbers: u16x32<S>| (numbers.simd_eq(ends.0) | numbers.simd_eq(ends.1)).to_bitmask();
        see(at, within(lower) | within(upper) << 32, is_end(lower) | is_end(upper) << 32);
    }
}

/// The least and the most of the numbers whose bits are set, each 64 numbers' in a word; the other way round where none is.
pub fn extremes(numbers: &[[u16; 64]], chosen: &[u64]) -> (u16, u16) {
    let level = Level::new();
    dispatch!(level, simd => simd.vectorize(
        #[inline(always)]
        || extremes_at(simd, numbers, chosen)
    ))
}

#[inline(always)]
fn extremes_at<S: Simd>(simd: S, numbers: &[[u16; 64]], chosen: &[u64]) -> (u16, u16) {
    let (all, none) = (u16x32::splat(simd, u16::MAX), u16x32::splat(simd, 0));
    let (mut least, mut most) = (all, none);
    for (numbers, chosen) in numbers.iter().zip(chosen).filter(|(_, chosen)| **chosen != 0) {
        let (lower, upper) = numbers.split_at(32);
        for (numbers, chosen) in [(lower, chosen & u64::from(u32::MAX)), (upper, chosen >> 32)] {
            let (numbers, chosen) = (u16x32::from_slice(simd, numbers), mask16x32::from_bitmask(simd, chosen));
            least = least.min(chosen.select(numbers, all));
            most = most.max(chosen.select(numbers, none));
        }
    }
    (least.reduce_min(), most.reduce_max())
}
