//! What the facets have of each row, row after row: who counts several fields of few rows reads a line of memory a row. An array per
//! field would be a line per row and field.

use std::hint::black_box;

use super::{Row, bytes};

/// Records up to this size are powers of two, so that none lies in two lines of memory.
const LINE_SHARE: usize = 32;
/// Longer ones are multiples of this.
const STEP: usize = 16;

/// Records of the same size, by row; each facet has a lane of some bytes in them.
#[derive(Default)]
pub(super) struct Table {
    /// Bytes of a record. Those that are in no lane are 0.
    stride: usize,
    bytes: Vec<u8>,
    lanes: Vec<Place>,
}

/// A lane's place in a record; without a width, of a lane that was given back.
#[derive(Clone, Copy, Default)]
struct Place {
    at: usize,
    width: usize,
}

/// A lane of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct LaneId(u32);

impl Place {
    fn end(&self) -> usize {
        self.at + self.width
    }

    fn of<'a>(&self, record: &'a [u8]) -> &'a [u8] {
        &record[self.at..self.end()]
    }

    fn of_mut<'a>(&self, record: &'a mut [u8]) -> &'a mut [u8] {
        &mut record[self.at..self.end()]
    }
}

impl Table {
    /// A new lane of so many bytes, 0 in every row. Where records have no room for it, every record is moved.
    pub fn claim(&mut self, width: usize) -> LaneId {
        let free = self.lanes.iter().position(|place| place.width == 0);
        let id = free.unwrap_or_else(|| {
            self.lanes.push(Place::default());
            self.lanes.len() - 1
        });
        let at = self.lanes.iter().map(Place::end).max().unwrap_or(0);
        if at + width <= self.stride {
            self.lanes[id] = Place { at, width };
        } else {
            self.widen(LaneId(id as u32), width, |_, _| ());
        }
        LaneId(id as u32)
    }

    /// Gives a lane back.
    pub fn release(&mut self, lane: LaneId) {
        let place = std::mem::take(&mut self.lanes[lane.0 as usize]);
        self.bytes.chunks_exact_mut(self.stride).for_each(|record| place.of_mut(record).fill(0));
    }

    /// Gives a lane more bytes: `convert(old, new)` fills those of a row, which are 0. Every record is moved.
    pub fn widen(&mut self, lane: LaneId, width: usize, mut convert: impl FnMut(&[u8], &mut [u8])) {
        let mut places = self.lanes.clone();
        places[lane.0 as usize].width = width;
        let mut end = 0;
        for place in &mut places {
            place.at = end;
            end += place.width;
        }
        let (stride, stretches) = (stride(end), stretches(&self.lanes, &places, lane));
        let (from, to) = (self.lanes[lane.0 as usize], places[lane.0 as usize]);
        let mut moved = vec![0; self.rows() * stride];
        for (old, new) in self.bytes.chunks_exact(self.stride.max(1)).zip(moved.chunks_exact_mut(stride)) {
            for (from, to) in &stretches {
                to.of_mut(new).copy_from_slice(from.of(old));
            }
            convert(from.of(old), to.of_mut(new));
        }
        (self.stride, self.bytes, self.lanes) = (stride, moved, places);
    }

    /// Rows up to which there are records.
    pub fn rows(&self) -> usize {
        self.bytes.len().checked_div(self.stride).unwrap_or(0)
    }

    /// A lane, to be read.
    #[inline]
    pub fn lane(&self, lane: LaneId) -> Lane<'_> {
        Lane { bytes: &self.bytes, stride: self.stride, place: self.lanes[lane.0 as usize] }
    }

    /// Sets the row's bytes of a lane: as many as it is wide.
    pub fn put(&mut self, lane: LaneId, row: Row, bytes: &[u8]) {
        let (end, place) = ((row as usize + 1) * self.stride, self.lanes[lane.0 as usize]);
        if end > self.bytes.len() {
            let more = end - self.bytes.len();
            bytes::spare(&mut self.bytes, more);
            self.bytes.resize(end, 0);
        }
        place.of_mut(&mut self.bytes[end - self.stride..end]).copy_from_slice(bytes);
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        bytes::put_u64(out, self.stride as u64);
        bytes::put_u32s(
            out,
            &self.lanes.iter().flat_map(|lane| [lane.at as u32, lane.width as u32]).collect::<Vec<_>>(),
        );
        bytes::put_bytes(out, &self.bytes);
    }

    pub fn read(from: &mut &[u8]) -> Option<Table> {
        let stride = usize::try_from(bytes::take_u64(from)?).ok()?;
        let places = bytes::take_u32s(from)?;
        let place = |[at, width]: &[u32; 2]| Place { at: *at as usize, width: *width as usize };
        let table = Table {
            stride,
            lanes: places.as_chunks().0.iter().map(place).collect(),
            bytes: bytes::take_bytes(from)?.to_vec(),
        };
        (table.lanes_are_apart() && table.bytes.len() == table.rows() * stride).then_some(table)
    }

    /// Whether no two lanes share a byte, and all lie within a record.
    fn lanes_are_apart(&self) -> bool {
        let mut used: Vec<&Place> = self.lanes.iter().filter(|lane| lane.width > 0).collect();
        used.sort_unstable_by_key(|lane| lane.at);
        used.windows(2).all(|pair| pair[0].end() <= pair[1].at)
            && used.last().is_none_or(|last| last.end() <= self.stride)
    }
}

/// What moves as it is, from where to where: every lane but one. Those that stay side by side move together.
fn stretches(from: &[Place], to: &[Place], but: LaneId) -> Vec<(Place, Place)> {
    let mut stretches: Vec<(Place, Place)> = Vec::new();
    let kept = from.iter().zip(to).zip(0..).filter(|((from, _), id)| from.width > 0 && *id != but.0);
    for ((from, to), _) in kept {
        match stretches.last_mut().filter(|last| (last.0.end(), last.1.end()) == (from.at, to.at)) {
            Some((longer_from, longer_to)) => {
                (longer_from.width, longer_to.width) = (longer_from.width + from.width, longer_to.width + to.width)
            }
            None => stretches.push((*from, *to)),
        }
    }
    stretches
}

/// The size of records with so many bytes in use.
fn stride(used: usize) -> usize {
    if used <= LINE_SHARE { used.next_power_of_two() } else { used.next_multiple_of(STEP) }
}

impl LaneId {
    pub fn write(self, out: &mut Vec<u8>) {
        bytes::put_u32(out, self.0);
    }

    /// The lane of that number, if the table has it.
    pub fn read(from: &mut &[u8], table: &Table) -> Option<LaneId> {
        let id = bytes::take_u32(from)?;
        table.lanes.get(id as usize).filter(|place| place.width > 0).map(|_| LaneId(id))
    }
}

/// A lane of a table, to be read.
#[derive(Clone, Copy)]
pub(super) struct Lane<'a> {
    bytes: &'a [u8],
    stride: usize,
    place: Place,
}

impl Lane<'_> {
    /// Its bytes in a row.
    pub fn width(&self) -> usize {
        self.place.width
    }

    /// Looks at rows' records, and at nothing else: so more of them are fetched from memory at once than where something is made of
    /// each.
    pub fn touch(&self, rows: &[Row]) {
        black_box(rows.iter().fold(0, |all, &row| all ^ self.get::<1>(row)[0]));
    }

    /// The first bytes of the row, as many as are asked for; 0 where there is no record.
    #[inline]
    pub fn get<const N: usize>(&self, row: Row) -> [u8; N] {
        let from = row as usize * self.stride + self.place.at;
        self.bytes.get(from..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or([0; N])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What can be done to a table.
    #[derive(Clone, Debug)]
    enum Step {
        Claim(usize),
        Release(usize),
        Widen(usize, usize),
        Put(usize, Row, u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => (1usize..9).prop_map(Step::Claim),
            1 => (0usize..20).prop_map(Step::Release),
            1 => (0usize..20, 1usize..9).prop_map(|(lane, width)| Step::Widen(lane, width)),
            20 => (0usize..20, 0u32..300, any::<u8>()).prop_map(|(lane, row, byte)| Step::Put(lane, row, byte)),
        ]
    }

    /// Lanes with what their rows have: every byte the same.
    type Model = Vec<(LaneId, usize, BTreeMap<Row, u8>)>;

    fn follow(step: Step, table: &mut Table, model: &mut Model) {
        let lanes = model.len().max(1);
        match step {
            Step::Claim(width) => model.push((table.claim(width), width, BTreeMap::new())),
            _ if model.is_empty() => {}
            Step::Release(lane) => table.release(model.remove(lane % lanes).0),
            Step::Widen(lane, more) => {
                let (lane, width, _) = &mut model[lane % lanes];
                *width += more;
                table.widen(*lane, *width, |old, new| new.fill(old[0]));
            }
            Step::Put(lane, row, byte) => {
                let (lane, width, rows) = &mut model[lane % lanes];
                table.put(*lane, row, &vec![byte; *width]);
                rows.insert(row, byte);
            }
        }
    }

    fn check(table: &Table, model: &Model) -> Result<(), TestCaseError> {
        for (lane, width, rows) in model {
            let lane = table.lane(*lane);
            prop_assert_eq!(lane.width(), *width);
            for row in 0..310 {
                let byte = rows.get(&row).copied().unwrap_or(0);
                prop_assert_eq!(lane.get::<1>(row), [byte]);
                let whole =
                    lane.place.of(table.bytes.chunks_exact(table.stride).nth(row as usize).unwrap_or(&[0; 400]));
                prop_assert!(whole.iter().all(|found| *found == byte));
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn lanes_keep_what_they_are_given(steps in proptest::collection::vec(step(), 0..120)) {
            let (mut table, mut model) = (Table::default(), Model::new());
            for step in steps {
                follow(step, &mut table, &mut model);
                check(&table, &model)?;
            }
            let mut bytes = Vec::new();
            table.write(&mut bytes);
            check(&Table::read(&mut &bytes[..]).expect("what was written"), &model)?;
        }
    }

    #[test]
    fn a_table_whose_lanes_share_bytes_or_leave_the_record_is_not_read() {
        let read = |places: [(usize, usize); 2]| {
            let lanes = places.map(|(at, width)| Place { at, width }).to_vec();
            let mut bytes = Vec::new();
            Table { stride: 8, bytes: vec![0; 16], lanes }.write(&mut bytes);
            Table::read(&mut &bytes[..]).is_some()
        };
        assert!(read([(4, 4), (0, 4)]) && read([(0, 8), (0, 0)]));
        assert!(!read([(0, 4), (3, 1)]) && !read([(4, 4), (2, 4)]) && !read([(0, 4), (4, 8)]));
    }
}
