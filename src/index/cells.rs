//! Few ordinals per row: up to four in the row's own cell, of one byte each as long as that is enough, then of two; more of them
//! elsewhere.

use super::{Row, bytes};

/// Ordinals a row holds without an allocation of its own.
pub(super) const INLINE: usize = 4;
/// First of a cell whose row has more ordinals, or longer ones: the others are the place of its overflow.
const OVERFLOWS: u16 = u16::MAX;
const NARROW_OVERFLOWS: u8 = u8::MAX;

/// A row's cell: ordinals from the front, 0 behind the last.
type Cell = [u16; INLINE];

/// The ordinals of rows.
pub(super) struct Cells {
    cells: Width,
    overflows: Vec<Box<[u32]>>,
    free: Vec<u32>,
}

enum Width {
    Narrow(Vec<[u8; INLINE]>),
    Wide(Vec<Cell>),
}

impl Default for Cells {
    fn default() -> Cells {
        Cells { cells: Width::Narrow(Vec::new()), overflows: Vec::new(), free: Vec::new() }
    }
}

impl Cells {
    /// The row's ordinals, as they were set.
    pub fn get(&self, row: Row) -> impl Iterator<Item = u32> + '_ {
        let cell = self.cells.get(row);
        let (inline, overflow) = match overflow(cell) {
            Some(overflow) => ([0; INLINE], &*self.overflows[overflow]),
            None => (cell, &[][..]),
        };
        inline.into_iter().take_while(|&ordinal| ordinal != 0).map(u32::from).chain(overflow.iter().copied())
    }

    /// Sets the row's ordinals, none of them 0.
    pub fn set(&mut self, row: Row, ordinals: &[u32]) {
        if let Some(overflow) = overflow(self.cells.get(row)) {
            self.overflows[overflow] = Box::default();
            self.free.push(overflow as u32);
        }
        let mut cell = [0; INLINE];
        if ordinals.len() <= INLINE && ordinals.iter().all(|&ordinal| ordinal < OVERFLOWS.into()) {
            cell.iter_mut().zip(ordinals).for_each(|(cell, &ordinal)| *cell = ordinal as u16);
        } else {
            let overflow = self.free.pop().unwrap_or_else(|| {
                self.overflows.push(Box::default());
                self.overflows.len() as u32 - 1
            });
            self.overflows[overflow as usize] = ordinals.into();
            cell = [OVERFLOWS, overflow as u16, (overflow >> 16) as u16, 0];
        }
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
            Width::Narrow(cells) => self.tally_of(rows, cells, |cell| widened(*cell), counts),
            Width::Wide(cells) => self.tally_of(rows, cells, |cell| *cell, counts),
        }
    }

    fn tally_of<T>(&self, rows: &[Row], cells: &[T], widened: impl Fn(&T) -> Cell, counts: &mut [u64]) {
        // A table per place in the cell: adding to a number that was just added to has to wait for it.
        let mut table = vec![[0u32; INLINE]; counts.len() + 1];
        for &row in rows {
            let cell = widened(&cells[row as usize]);
            match overflow(cell) {
                None => cell.iter().enumerate().for_each(|(at, &ordinal)| table[usize::from(ordinal)][at] += 1),
                Some(overflow) => self.overflows[overflow].iter().for_each(|&ordinal| table[ordinal as usize][0] += 1),
            }
        }
        let sums = table.iter().skip(1).map(|row| row.iter().copied().map(u64::from).sum::<u64>());
        counts.iter_mut().zip(sums).for_each(|(count, sum)| *count += sum);
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let overflows: usize = self.overflows.iter().map(|ordinals| 16 + ordinals.len().max(1) * 4 + 8).sum();
        overflows
            + match &self.cells {
                Width::Narrow(cells) => cells.capacity() * size_of::<[u8; INLINE]>(),
                Width::Wide(cells) => cells.capacity() * size_of::<Cell>(),
            }
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
        bytes::put_u32s(out, &self.free);
        bytes::put_u64(out, self.overflows.len() as u64);
        self.overflows.iter().for_each(|ordinals| bytes::put_u32s(out, ordinals));
    }

    pub fn read(from: &mut &[u8]) -> Option<Cells> {
        let cells = match from.split_off_first()? {
            1 => Width::Narrow(bytes::take_bytes(from)?.as_chunks().0.to_vec()),
            _ => Width::Wide(bytes::take_u16s(from)?.as_chunks().0.to_vec()),
        };
        let free = bytes::take_u32s(from)?;
        let overflows = bytes::take_u64(from)?;
        let overflows =
            (0..overflows).map(|_| Some(bytes::take_u32s(from)?.into())).collect::<Option<Vec<Box<[u32]>>>>()?;
        Some(Cells { cells, overflows, free })
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

fn overflow(cell: Cell) -> Option<usize> {
    (cell[0] == OVERFLOWS).then(|| usize::from(cell[1]) | usize::from(cell[2]) << 16)
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
