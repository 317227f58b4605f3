//! A number per row in as few bytes as the largest needs: the 16 highest bits apart from those below, so that a scan reads little else.

use std::ops::RangeInclusive;

use super::rows::{WORDS, extremes, scan};
use super::{RowSet, bytes};

/// Rows a scan looks at together.
const BLOCK: usize = 64;
/// Bits below the 16 highest: so many make 64.
const LOW_MAX: u32 = 48;
/// Behind the last row's low bytes, so that any row's can be read as one number.
const SPARE: usize = 8;

/// Numbers by row; 0 where none was set. Grows wider by itself when a number needs it.
#[derive(Default)]
pub struct Packed {
    /// By row: the upper 16 bits.
    high: Vec<u16>,
    /// By row: the `shift` bits below those in whole bytes, the lowest first.
    low: Vec<u8>,
    shift: u32,
}

impl Packed {
    /// The fewest low bits with which numbers up to this one fit.
    fn shift_of(most: u64) -> u32 {
        (u64::BITS - most.leading_zeros()).saturating_sub(16)
    }

    fn most_of(shift: u32) -> u64 {
        u64::MAX >> (LOW_MAX - shift)
    }

    /// Low bytes of a row.
    fn width(&self) -> usize {
        self.shift.div_ceil(8) as usize
    }

    /// The largest number for which there is room, once there is for `most`.
    pub fn room_for(most: u64) -> u64 {
        Packed::most_of(Packed::shift_of(most))
    }

    /// The largest number for which there is room.
    pub fn room(&self) -> u64 {
        Packed::most_of(self.shift)
    }

    /// Room for numbers up to `most` in so many rows, all 0.
    pub fn with_room(rows: usize, most: u64) -> Packed {
        let mut made = Packed { shift: Packed::shift_of(most), ..Packed::default() };
        bytes::spare(&mut made.high, rows);
        made.high.resize(rows, 0);
        made.lengthen_low();
        made
    }

    /// How many rows there is room for.
    pub fn rows(&self) -> usize {
        self.high.len()
    }

    /// The row's number.
    #[inline]
    pub fn get(&self, row: u32) -> u64 {
        let Some(&high) = self.high.get(row as usize) else { return 0 };
        u64::from(high) << self.shift | self.low(row as usize)
    }

    #[inline]
    fn low(&self, row: usize) -> u64 {
        if self.shift == 0 {
            return 0;
        }
        let at = row * self.width();
        let low = self.low.get(at..at + SPARE).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        u64::from_le_bytes(low) & self.low_mask()
    }

    fn low_mask(&self) -> u64 {
        (1 << self.shift) - 1
    }

    /// Sets the row's number; 0 takes it away.
    pub fn set(&mut self, row: u32, number: u64) {
        let at = row as usize;
        if at >= self.high.len() {
            if number == 0 {
                return;
            }
            bytes::lengthen(&mut self.high, row, 0);
            self.lengthen_low();
        }
        if number > self.room() {
            self.widen(number);
        }
        self.high[at] = (number >> self.shift) as u16;
        let (width, low) = (self.width(), number & self.low_mask());
        self.low[at * width..(at + 1) * width].copy_from_slice(&low.to_le_bytes()[..width]);
    }

    fn lengthen_low(&mut self) {
        if self.shift > 0 {
            let len = self.high.len() * self.width() + SPARE;
            let more = len - self.low.len();
            bytes::spare(&mut self.low, more);
            self.low.resize(len, 0);
        }
    }

    fn widen(&mut self, most: u64) {
        *self = self.mapped(most, |number| number);
    }

    /// The same rows with other numbers, none larger than `most`; 0 stays 0.
    pub fn mapped(&self, most: u64, number: impl Fn(u64) -> u64) -> Packed {
        let mut made = Packed::with_room(self.rows(), most);
        self.iter().enumerate().filter(|(_, old)| *old != 0).for_each(|(row, old)| made.set(row as u32, number(old)));
        made
    }

    /// Every row's number, from row 0 on.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.high.len() as u32).map(|row| self.get(row))
    }

    /// The rows whose number lies in `from..=to`; from 0 on also rows without one, and such as are past the end.
    pub fn scan(&self, from: u64, to: u64) -> RowSet {
        let to = to.min(self.room());
        if from > to {
            return RowSet::new();
        }
        let high = |number: u64| (number >> self.shift) as u16;
        let (first, last, mask) = (high(from), high(to), self.low_mask());
        // Rows whose upper bits are those of an end are within by their low bytes only, unless all of these are.
        let ends = match (from & mask == 0, to & mask == mask) {
            (true, true) => None,
            (true, false) => Some((last, last)),
            (false, true) => Some((first, first)),
            (false, false) => Some((first, last)),
        };
        let (high, looked_at) = (first..=last, if ends.is_some() { u64::MAX } else { 0 });
        let (blocks, rest) = self.high.as_chunks::<BLOCK>();
        RowSet::from_blocks(self.high.len().div_ceil(BLOCK), |first, words| {
            let here = blocks.get(first..).unwrap_or_default();
            let here = &here[..here.len().min(words.len())];
            let mut put = |at: usize, within: u64, near: u64| {
                words[at] = match near & looked_at {
                    0 => within,
                    near => self.without_strays((first + at) * BLOCK, near, &(from..=to), within),
                };
            };
            scan(here, &high, ends.unwrap_or_default(), &mut put);
            if here.len() < WORDS && !rest.is_empty() {
                let mut block = [0; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                scan(&[block], &high, ends.unwrap_or_default(), |_, within, near| put(here.len(), within, near));
            }
        })
    }

    /// The rows of a block that are within, those `near` its ends looked at closely.
    #[inline(never)]
    fn without_strays(&self, first: usize, mut near: u64, range: &RangeInclusive<u64>, mut within: u64) -> u64 {
        while near != 0 {
            let bit = near.trailing_zeros();
            if !range.contains(&self.get(first as u32 + bit)) {
                within &= !(1 << bit);
            }
            near &= near - 1;
        }
        within
    }

    /// The row's upper bits, which order rows as their numbers do, as far as they go.
    pub fn high(&self, row: u32) -> u16 {
        self.high.get(row as usize).copied().unwrap_or(0)
    }

    /// The least and the most upper bits of the rows whose bits are set in the words, a bit for each row from 0 on.
    pub fn highs(&self, rows: &[u64]) -> RangeInclusive<u16> {
        let (blocks, rest) = self.high.as_chunks::<BLOCK>();
        let (mut least, mut most) = extremes(blocks, rows);
        let is_in = |at: usize| rows.get(blocks.len()).is_some_and(|word| word >> at & 1 == 1);
        for (_, high) in rest.iter().enumerate().filter(|(at, _)| is_in(*at)) {
            (least, most) = (least.min(*high), most.max(*high));
        }
        least..=most
    }

    /// Bytes in memory.
    pub fn memory(&self) -> usize {
        self.high.capacity() * 2 + self.low.capacity()
    }

    /// Appends the numbers to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        bytes::put_u64(out, self.shift.into());
        bytes::put_u16s(out, &self.high);
        bytes::put_bytes(out, &self.low);
    }

    /// Reads what `write` wrote, from the front of `bytes`.
    pub fn read(from: &mut &[u8]) -> Option<Packed> {
        let shift = u32::try_from(bytes::take_u64(from)?).ok().filter(|shift| *shift <= LOW_MAX)?;
        let (high, low) = (bytes::take_u16s(from)?, bytes::take_bytes(from)?.to_vec());
        let made = Packed { high, low, shift };
        let expected = if shift == 0 || made.high.is_empty() { 0 } else { made.rows() * made.width() + SPARE };
        (made.low.len() == expected).then_some(made)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers about every width's limits.
    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![
            4 => 0u64..300,
            3 => (0u32..64, -2i64..3).prop_map(|(bits, off)| (1u64 << bits).wrapping_add_signed(off)),
            1 => any::<u64>(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn numbers_by_row_are_as_in_an_array(
            sets in proptest::collection::vec((0u32..300, number()), 0..200), most in number(),
            ranges in proptest::collection::vec((number(), number()), 8),
        ) {
            let (mut packed, mut array) = (Packed::default(), [0u64; 320]);
            for (row, number) in sets {
                packed.set(row, number);
                array[row as usize] = number;
            }
            prop_assert!((0..320).all(|row| packed.get(row) == array[row as usize]));
            prop_assert!(packed.iter().eq(array[..packed.rows()].iter().copied()));
            let own = array.iter().map(|&number| (number.saturating_sub(9), number)).take(40);
            for (from, to) in ranges.into_iter().chain(own).chain([(1, u64::MAX), (0, 0)]) {
                let found = packed.scan(from, to);
                let hit = |row: usize| found.contains(row as u32);
                prop_assert!((0..packed.rows()).all(|row| hit(row) == (from..=to).contains(&array[row])));
                // From 0 on, the rows past the end are the caller's to leave out.
                prop_assert!(from == 0 || (packed.rows()..320).all(|row| !hit(row)));
            }
            let some: RowSet = (0..packed.rows() as u32).filter(|row| array[*row as usize] % 3 == 1).collect();
            let highs: Vec<u16> = some.iter().map(|row| packed.high(row)).collect();
            let expected = highs.iter().copied().min().unwrap_or(u16::MAX)..=highs.into_iter().max().unwrap_or(0);
            prop_assert_eq!(packed.highs(&some.to_words(0)), expected);
            let mut bytes = Vec::new();
            packed.write(&mut bytes);
            let read = Packed::read(&mut &bytes[..]).expect("what was written");
            prop_assert!(read.iter().eq(packed.iter()));
            let halves = packed.mapped(u64::MAX / 2, |number| number / 2);
            prop_assert!(halves.iter().eq(packed.iter().map(|number| number / 2)));
            let empty = Packed::with_room(7, most);
            prop_assert!(empty.room() >= most && empty.rows() == 7 && empty.iter().all(|number| number == 0));
        }
    }
}
