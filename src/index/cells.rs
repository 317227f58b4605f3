//! Few ordinals per row: up to four in the row's own cell, of one byte each as long as that is enough, then of two; up to eight beside
//! it; more of them, or longer ones, elsewhere.

use super::{Row, bytes};

/// Ordinals a row holds in its own cell, and beside it.
pub(super) const INLINE: usize = 4;
const BESIDE: usize = 8;
/// First of a cell, or of what is beside it, where there are more ordinals, or longer ones: the next two are the place of these.
const OVERFLOWS: u16 = u16::MAX;
const NARROW_OVERFLOWS: u8 = u8::MAX;
/// Rows that are counted together.
const TOGETHER: usize = 64;

/// A row's cell: ordinals from the front, 0 behind the last.
type Cell = [u16; INLINE];

/// The ordinals of rows.
#[derive(Default)]
pub(super) struct Cells {
    cells: Width,
    /// As cells, of rows whose own is too small.
    beside: Slots<[u16; BESIDE]>,
    long: Slots<Box<[u32]>>,
}

enum Width {
    Narrow(Vec<[u8; INLINE]>),
    Wide(Vec<Cell>),
}

impl Default for Width {
    fn default() -> Width {
        Width::Narrow(Vec::new())
    }
}

/// Values in numbered places, which are given back.
#[derive(Default)]
struct Slots<T> {
    slots: Vec<T>,
    free: Vec<u32>,
}

impl<T: Default> Slots<T> {
    fn put(&mut self, value: T) -> usize {
        if let Some(place) = self.free.pop() {
            self.slots[place as usize] = value;
            return place as usize;
        }
        bytes::spare(&mut self.slots, 1);
        self.slots.push(value);
        self.slots.len() - 1
    }

    fn give_back(&mut self, place: usize) {
        self.slots[place] = T::default();
        self.free.push(place as u32);
    }
}

impl Cells {
    /// The row's ordinals, as they were set.
    pub fn get(&self, row: Row) -> impl Iterator<Item = u32> + '_ {
        let cell = self.cells.get(row);
        let (mut short, mut long) = ([0; BESIDE], &[][..]);
        match overflow(&cell).map(|place| self.beside.slots.get(place).copied().unwrap_or_default()) {
            None => short[..INLINE].copy_from_slice(&cell),
            Some(beside) => match overflow(&beside) {
                None => short = beside,
                Some(place) => long = self.long.slots.get(place).map(|ordinals| &**ordinals).unwrap_or_default(),
            },
        }
        short.into_iter().take_while(|&ordinal| ordinal != 0).map(u32::from).chain(long.iter().copied())
    }

    /// Sets the row's ordinals, none of them 0.
    pub fn set(&mut self, row: Row, ordinals: &[u32]) {
        if let Some(place) = overflow(&self.cells.get(row)) {
            if let Some(place) = overflow(&self.beside.slots[place]) {
                self.long.give_back(place);
            }
            self.beside.give_back(place);
        }
        let cell = short(ordinals).unwrap_or_else(|| {
            let beside = short(ordinals).unwrap_or_else(|| elsewhere(self.long.put(ordinals.into())));
            elsewhere(self.beside.put(beside))
        });
        self.cells.set(row, cell);
    }

    /// Rows up to which there are cells.
    pub fn len(&self) -> usize {
        match &self.cells {
            Width::Narrow(cells) => cells.len(),
            Width::Wide(cells) => cells.len(),
        }
    }

    /// Adds the ordinals of ascending rows to the counts by ordinal - 1.
    pub fn tally(&self, rows: &[Row], counts: &mut [u64]) {
        let rows = &rows[..rows.partition_point(|&row| (row as usize) < self.len())];
        match &self.cells {
            Width::Narrow(cells) => self.tally_of(rows, |row| widened(cells[row as usize]), counts),
            Width::Wide(cells) => self.tally_of(rows, |row| cells[row as usize], counts),
        }
    }

    fn tally_of(&self, rows: &[Row], cell: impl Fn(Row) -> Cell, counts: &mut [u64]) {
        // A table per place: adding to a number that was just added to has to wait for it. The ordinal 0 is that of no code.
        let mut table = vec![[0u32; BESIDE]; counts.len() + 1];
        for rows in rows.chunks(TOGETHER) {
            // Read before they are counted: reads that wait for nothing but memory wait together.
            let mut cells = [[0; INLINE]; TOGETHER];
            cells.iter_mut().zip(rows).for_each(|(to, &row)| *to = cell(row));
            let mut places = [0; TOGETHER];
            let mut found = 0;
            for (at, cell) in cells[..rows.len()].iter().enumerate() {
                // Without a branch: which rows have more ordinals cannot be foreseen.
                let is_full = cell[0] == OVERFLOWS;
                places[found] = place(cell);
                found += usize::from(is_full);
                let (keep, tables) = (u16::from(is_full).wrapping_sub(1), at % 2 * INLINE);
                for (at, ordinal) in cell.iter().enumerate() {
                    table[usize::from(ordinal & keep)][tables + at] += 1;
                }
            }
            let mut besides = [[0; BESIDE]; TOGETHER];
            besides.iter_mut().zip(&places[..found]).for_each(|(to, &place)| *to = self.beside.slots[place]);
            for beside in &besides[..found] {
                match overflow(beside) {
                    None => beside.iter().enumerate().for_each(|(at, &ordinal)| table[usize::from(ordinal)][at] += 1),
                    Some(place) => self.long.slots[place].iter().for_each(|&ordinal| table[ordinal as usize][0] += 1),
                }
            }
        }
        let sums = table.iter().skip(1).map(|row| row.iter().copied().map(u64::from).sum::<u64>());
        counts.iter_mut().zip(sums).for_each(|(count, sum)| *count += sum);
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let cells = match &self.cells {
            Width::Narrow(cells) => cells.capacity() * size_of::<[u8; INLINE]>(),
            Width::Wide(cells) => cells.capacity() * size_of::<Cell>(),
        };
        let long: usize = self.long.slots.iter().map(|ordinals| 16 + ordinals.len().max(1) * 4 + 8).sum();
        cells + self.beside.slots.capacity() * size_of::<[u16; BESIDE]>() + long
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.cells {
            Width::Narrow(cells) => {
                out.push(1);
                bytes::put_bytes(out, cells.as_flattened());
            }
            Width::Wide(cells) => {
                out.push(2);
                bytes::put_u16s(out, cells.as_flattened());
            }
        }
        bytes::put_u16s(out, self.beside.slots.as_flattened());
        bytes::put_u32s(out, &self.beside.free);
        bytes::put_u64(out, self.long.slots.len() as u64);
        self.long.slots.iter().for_each(|ordinals| bytes::put_u32s(out, ordinals));
        bytes::put_u32s(out, &self.long.free);
    }

    pub fn read(from: &mut &[u8]) -> Option<Cells> {
        let cells = match from.split_off_first()? {
            1 => Width::Narrow(bytes::take_bytes(from)?.as_chunks().0.to_vec()),
            _ => Width::Wide(bytes::take_u16s(from)?.as_chunks().0.to_vec()),
        };
        let beside = Slots { slots: bytes::take_u16s(from)?.as_chunks().0.to_vec(), free: bytes::take_u32s(from)? };
        let long = bytes::take_u64(from)?;
        let slots = (0..long).map(|_| Some(bytes::take_u32s(from)?.into())).collect::<Option<Vec<Box<[u32]>>>>()?;
        Some(Cells { cells, beside, long: Slots { slots, free: bytes::take_u32s(from)? } })
    }
}

impl Width {
    fn get(&self, row: Row) -> Cell {
        match self {
            Width::Narrow(cells) => cells.get(row as usize).map_or([0; INLINE], |cell| widened(*cell)),
            Width::Wide(cells) => cells.get(row as usize).copied().unwrap_or_default(),
        }
    }

    fn set(&mut self, row: Row, cell: Cell) {
        match self {
            Width::Narrow(cells) => {
                if let Some(cell) = narrowed(cell) {
                    bytes::lengthen(cells, row, [0; INLINE]);
                    cells[row as usize] = cell;
                    return;
                }
                *self = Width::Wide(cells.iter().map(|cell| widened(*cell)).collect());
                self.set(row, cell);
            }
            Width::Wide(cells) => {
                bytes::lengthen(cells, row, [0; INLINE]);
                cells[row as usize] = cell;
            }
        }
    }
}

/// Where the ordinals are that this has no room for.
fn overflow<const N: usize>(cell: &[u16; N]) -> Option<usize> {
    (cell[0] == OVERFLOWS).then(|| place(cell))
}

fn place<const N: usize>(cell: &[u16; N]) -> usize {
    usize::from(cell[1]) | usize::from(cell[2]) << 16
}

/// What says that the ordinals are at that place.
fn elsewhere<const N: usize>(place: usize) -> [u16; N] {
    let mut cell = [0; N];
    (cell[0], cell[1], cell[2]) = (OVERFLOWS, place as u16, (place >> 16) as u16);
    cell
}

/// The ordinals, where there is room for them.
fn short<const N: usize>(ordinals: &[u32]) -> Option<[u16; N]> {
    let mut cell = [0; N];
    let fits = ordinals.len() <= N && ordinals.iter().all(|&ordinal| ordinal < OVERFLOWS.into());
    cell.iter_mut().zip(ordinals).for_each(|(cell, &ordinal)| *cell = ordinal as u16);
    fits.then_some(cell)
}

fn widened(cell: [u8; INLINE]) -> Cell {
    if cell[0] == NARROW_OVERFLOWS {
        [OVERFLOWS, u16::from_le_bytes([cell[1], cell[2]]), cell[3].into(), 0]
    } else {
        cell.map(u16::from)
    }
}

fn narrowed(cell: Cell) -> Option<[u8; INLINE]> {
    if cell[0] == OVERFLOWS {
        let [low, middle] = cell[1].to_le_bytes();
        return Some([NARROW_OVERFLOWS, low, middle, cell[2].try_into().ok()?]);
    }
    let fits = cell.iter().all(|&ordinal| ordinal < NARROW_OVERFLOWS.into());
    fits.then(|| cell.map(|ordinal| ordinal as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_cell_is_the_wide_one() {
        for cell in [[0; 4], [254, 3, 0, 0], [OVERFLOWS, 0, 0, 0], [OVERFLOWS, 0xfedc, 0xff, 0]] {
            assert_eq!(narrowed(cell).map(widened), Some(cell));
        }
        for cell in [[255, 0, 0, 0], [1, 2, 3, 255], [256, 0, 0, 0], [OVERFLOWS, 0, 0x100, 0]] {
            assert_eq!(narrowed(cell), None);
        }
    }
}
