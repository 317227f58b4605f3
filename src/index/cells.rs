//! A few ordinals per row in the row's own cell: up to four of one byte each, or up to eight of two; more of them elsewhere.

use super::table::{Lane, LaneId, Table};
use super::{Row, bytes};

/// Ordinals a cell has room for: in bytes, in pairs of bytes.
const NARROW: usize = 4;
const ROOM: usize = 8;
/// Bytes of a cell of pairs.
const WIDE: usize = 2 * ROOM;
/// First of a cell where there are more ordinals: the next two are the place of these.
const OVERFLOWS: u16 = u16::MAX;
const NARROW_OVERFLOWS: u8 = u8::MAX;
/// Cells become wide where one row in so many has no room in its own, and there are at least so many of them; in any case while their
/// places fit into a narrow cell.
const CROWDED_SHARE: usize = 16;
const CROWDED_MIN: usize = 1024;
const CROWDED_MAX: usize = 1 << 24;
/// Rows that are counted together.
const TOGETHER: usize = 64;

/// A row's cell: ordinals from the front, 0 behind the last.
type Cell = [u16; ROOM];

/// The ordinals of rows. Their cells are a lane of the table.
pub(super) struct Cells {
    lane: LaneId,
    /// Those of rows whose cell is too small.
    long: Slots,
}

/// Lists in numbered places, which are given back.
#[derive(Default)]
struct Slots {
    slots: Vec<Box<[u32]>>,
    free: Vec<u32>,
}

impl Slots {
    fn put(&mut self, ordinals: &[u32]) -> usize {
        if let Some(place) = self.free.pop() {
            self.slots[place as usize] = ordinals.into();
            return place as usize;
        }
        bytes::spare(&mut self.slots, 1);
        self.slots.push(ordinals.into());
        self.slots.len() - 1
    }

    fn give_back(&mut self, place: usize) {
        self.slots[place] = Box::default();
        self.free.push(place as u32);
    }

    fn in_use(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl Cells {
    /// Of no rows yet.
    pub fn new(table: &mut Table) -> Cells {
        Cells { lane: table.claim(NARROW), long: Slots::default() }
    }

    /// The cells, to be read.
    pub fn lane<'a>(&self, table: &'a Table) -> Lane<'a> {
        table.lane(self.lane)
    }

    /// The row's ordinals, as they were set.
    pub fn get(&self, lane: Lane, row: Row) -> impl Iterator<Item = u32> + use<'_> {
        let cell = cell(lane, row);
        let (short, long) = match overflow(&cell) {
            None => (cell, &[][..]),
            Some(place) => ([0; ROOM], self.long.slots.get(place).map(|ordinals| &**ordinals).unwrap_or_default()),
        };
        short.into_iter().take_while(|&ordinal| ordinal != 0).map(u32::from).chain(long.iter().copied())
    }

    /// Sets the row's ordinals, none of them 0.
    pub fn set(&mut self, table: &mut Table, row: Row, ordinals: &[u32]) {
        let lane = self.lane;
        let is_narrow = |table: &Table| table.lane(lane).width() == NARROW;
        if is_narrow(table) && (self.is_crowded(table) || !fits(ordinals, NARROW_OVERFLOWS.into())) {
            self.widen(table);
        }
        // Not before: until then the cell says where its ordinals are, and widening goes by it.
        if let Some(place) = overflow(&cell(table.lane(lane), row)) {
            self.long.give_back(place);
        }
        let room = if is_narrow(table) { NARROW } else { ROOM };
        let cell = match ordinals.len() <= room && fits(ordinals, OVERFLOWS) {
            true => short(ordinals),
            false => elsewhere(self.long.put(ordinals)),
        };
        match room {
            NARROW => table.put(self.lane, row, &narrowed(cell)),
            _ => table.put(self.lane, row, &bytes_of(cell)),
        }
    }

    fn is_crowded(&self, table: &Table) -> bool {
        self.long.in_use() >= (table.rows() / CROWDED_SHARE).clamp(CROWDED_MIN, CROWDED_MAX)
    }

    /// From bytes to pairs of bytes.
    fn widen(&mut self, table: &mut Table) {
        let long = &mut self.long;
        table.widen(self.lane, WIDE, |old, new| {
            let mut cell = old.first_chunk().map_or([0; ROOM], |narrow| widened(*narrow));
            if let Some(place) = overflow(&cell).filter(|place| long.slots[*place].len() <= ROOM) {
                cell = short(&long.slots[place]);
                long.give_back(place);
            }
            new.copy_from_slice(&bytes_of(cell));
        });
    }

    /// A count of none yet, of ordinals up to that.
    pub fn tally<'a>(&'a self, lane: Lane<'a>, ordinals: usize) -> CellTally<'a> {
        CellTally { cells: self, lane, table: vec![[0; ROOM]; ordinals + 1], present: 0 }
    }

    /// Bytes in memory beside the table, about.
    pub fn memory(&self) -> usize {
        self.long.slots.iter().map(|ordinals| 16 + ordinals.len().max(1) * 4 + 8).sum()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        self.lane.write(out);
        bytes::put_u64(out, self.long.slots.len() as u64);
        self.long.slots.iter().for_each(|ordinals| bytes::put_u32s(out, ordinals));
        bytes::put_u32s(out, &self.long.free);
    }

    pub fn read(from: &mut &[u8], table: &Table) -> Option<Cells> {
        let lane = LaneId::read(from, table).filter(|lane| [NARROW, WIDE].contains(&table.lane(*lane).width()))?;
        let long = bytes::take_u64(from)?;
        let slots = (0..long).map(|_| Some(bytes::take_u32s(from)?.into())).collect::<Option<Vec<Box<[u32]>>>>()?;
        Some(Cells { lane, long: Slots { slots, free: bytes::take_u32s(from)? } })
    }
}

/// Counts rows' ordinals.
pub(super) struct CellTally<'a> {
    cells: &'a Cells,
    lane: Lane<'a>,
    /// A table per place in a cell: adding to a number that was just added to has to wait for it. The ordinal 0 is that of no code.
    table: Vec<[u32; ROOM]>,
    present: u64,
}

impl<'a> CellTally<'a> {
    pub fn lane(&self) -> Lane<'a> {
        self.lane
    }

    pub fn add(&mut self, rows: &[Row]) {
        let lane = self.lane;
        match lane.width() {
            NARROW => self.add_each::<NARROW>(rows, |row| widened(lane.get(row))),
            _ => self.add_each::<ROOM>(rows, |row| wide(lane.get(row))),
        }
    }

    /// Of cells with room for so many.
    fn add_each<const N: usize>(&mut self, rows: &[Row], cell: impl Fn(Row) -> Cell) {
        for rows in rows.chunks(TOGETHER) {
            // Read before they are counted: reads that wait for nothing but memory wait together.
            let mut cells = [[0; ROOM]; TOGETHER];
            cells.iter_mut().zip(rows).for_each(|(to, &row)| *to = cell(row));
            for (at, cell) in cells[..rows.len()].iter().enumerate() {
                self.present += u64::from(cell[0] != 0);
                if let Some(place) = overflow(cell) {
                    let long = self.cells.long.slots.get(place).into_iter().flatten();
                    long.for_each(|&ordinal| self.table[ordinal as usize][0] += 1);
                    continue;
                }
                // Cells with little room in the two halves of the tables in turn.
                let tables = at % (ROOM / N) * N;
                for (place, ordinal) in cell[..N].iter().enumerate() {
                    self.table[usize::from(*ordinal)][tables + place] += 1;
                }
            }
        }
    }

    /// By ordinal - 1, and how many rows have one.
    pub fn counts(self) -> (Vec<u64>, u64) {
        let sums = self.table.iter().skip(1).map(|row| row.iter().copied().map(u64::from).sum());
        (sums.collect(), self.present)
    }
}

fn cell(lane: Lane, row: Row) -> Cell {
    match lane.width() {
        NARROW => widened(lane.get(row)),
        _ => wide(lane.get(row)),
    }
}

/// Where the ordinals are that the cell has no room for.
fn overflow(cell: &Cell) -> Option<usize> {
    (cell[0] == OVERFLOWS).then(|| usize::from(cell[1]) | usize::from(cell[2]) << 16)
}

/// What says that the ordinals are at that place.
fn elsewhere(place: usize) -> Cell {
    let mut cell = [0; ROOM];
    (cell[0], cell[1], cell[2]) = (OVERFLOWS, place as u16, (place >> 16) as u16);
    cell
}

/// Whether each is less than that.
fn fits(ordinals: &[u32], end: u16) -> bool {
    ordinals.iter().all(|&ordinal| ordinal < end.into())
}

/// Ordinals that have room and fit.
fn short(ordinals: &[u32]) -> Cell {
    let mut cell = [0; ROOM];
    cell.iter_mut().zip(ordinals).for_each(|(cell, &ordinal)| *cell = ordinal as u16);
    cell
}

fn widened(bytes: [u8; NARROW]) -> Cell {
    if bytes[0] == NARROW_OVERFLOWS {
        let [_, low, middle, high] = bytes;
        return elsewhere(u32::from_le_bytes([low, middle, high, 0]) as usize);
    }
    let mut cell = [0; ROOM];
    cell.iter_mut().zip(bytes).for_each(|(cell, ordinal)| *cell = ordinal.into());
    cell
}

/// Of a cell whose ordinals fit, or are elsewhere: at one of the first 2²⁴ places, for long before that cells are wide.
fn narrowed(cell: Cell) -> [u8; NARROW] {
    if cell[0] == OVERFLOWS {
        let [low, middle] = cell[1].to_le_bytes();
        return [NARROW_OVERFLOWS, low, middle, cell[2] as u8];
    }
    std::array::from_fn(|place| cell[place] as u8)
}

fn wide(bytes: [u8; WIDE]) -> Cell {
    let (pairs, _) = bytes.as_chunks();
    std::array::from_fn(|place| u16::from_le_bytes(pairs[place]))
}

fn bytes_of(cell: Cell) -> [u8; WIDE] {
    let mut bytes = [0; WIDE];
    bytes.as_chunks_mut().0.iter_mut().zip(cell).for_each(|(to, ordinal)| *to = ordinal.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_cell_is_the_wide_one() {
        for ordinals in [&[][..], &[254, 3], &[1, 2, 3, 254]] {
            assert_eq!(widened(narrowed(short(ordinals))), short(ordinals));
        }
        for place in [0, 0xff_fedc] {
            assert_eq!(overflow(&widened(narrowed(elsewhere(place)))), Some(place));
        }
    }

    fn width(cells: &Cells, table: &Table) -> usize {
        cells.lane(table).width()
    }

    fn has(cells: &Cells, table: &Table, row: Row, ordinals: impl IntoIterator<Item = u32>) -> bool {
        cells.get(cells.lane(table), row).eq(ordinals)
    }

    #[test]
    fn cells_become_wide_for_an_ordinal_that_does_not_fit() {
        let mut table = Table::default();
        let mut cells = Cells::new(&mut table);
        // Of row 1 too many for a narrow cell, of row 2 for any.
        for row in 0..3 {
            cells.set(&mut table, row, &(1..=row * 5 + 1).collect::<Vec<_>>());
        }
        assert_eq!((width(&cells, &table), cells.long.in_use()), (NARROW, 2));
        cells.set(&mut table, 3, &[255]);
        assert_eq!((width(&cells, &table), cells.long.in_use()), (WIDE, 1));
        assert!((0..3).all(|row| has(&cells, &table, row, 1..=row * 5 + 1)) && has(&cells, &table, 3, [255]));
    }

    #[test]
    fn a_row_whose_own_new_ordinals_widen_the_cells_gives_its_place_back_once() {
        let mut table = Table::default();
        let mut cells = Cells::new(&mut table);
        cells.set(&mut table, 1, &[1, 2, 3, 4, 5]);
        cells.set(&mut table, 1, &[1, 2, 3, 4, 5, 6, 7, 8, 255]);
        cells.set(&mut table, 2, &[11, 12, 13, 14, 15, 16, 17, 18, 19]);
        assert!(has(&cells, &table, 1, (1..=8).chain([255])) && has(&cells, &table, 2, 11..=19));
        assert_eq!((cells.long.in_use(), cells.long.slots.len()), (2, 2));
    }

    #[test]
    fn cells_become_wide_where_many_have_no_room() {
        let mut table = Table::default();
        let mut cells = Cells::new(&mut table);
        let mut put = |rows: std::ops::Range<Row>| {
            rows.for_each(|row| cells.set(&mut table, row, &[1, 2, 3, 4, 5]));
            (width(&cells, &table), cells.long.in_use())
        };
        assert_eq!(put(0..CROWDED_MIN as Row), (NARROW, CROWDED_MIN));
        assert_eq!(put(1024..1100), (WIDE, 0));
        assert!((0..1100).all(|row| has(&cells, &table, row, 1..=5)));
    }
}
