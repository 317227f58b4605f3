//! Loops over words, compiled for the widest vectors the processor has. The only file that names fearless_simd.

use fearless_simd::{Level, Simd, dispatch};

/// Runs a loop as the best of several compilations of it. The closure is to be `#[inline(always)]`, else there is but one.
#[inline(always)]
pub fn wide<R>(run: impl FnOnce() -> R) -> R {
    let level = Level::new();
    dispatch!(level, simd => simd.vectorize(run))
}
