//! The order against a sorted vector.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Put(Row, i64),
    Remove(Row),
    /// Many rows with keys that rise, fall or lie about.
    Load(Row, u32, i64),
    /// Takes out every second row of a stretch.
    Thin(Row, u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u32..3000, -20i64..20).prop_map(|(row, key)| Step::Put(row, key)),
        2 => (0u32..3000).prop_map(Step::Remove),
        2 => (0u32..3000, 1u32..1500, -3i64..4).prop_map(|(row, many, slope)| Step::Load(row, many, slope)),
        1 => (0u32..3000, 1u32..1500).prop_map(|(row, many)| Step::Thin(row, many)),
    ];
    proptest::collection::vec(step, 1..25)
}

/// Keys by row, and the order under test.
#[derive(Default)]
struct World {
    keys: Vec<i64>,
    order: Order,
}

impl World {
    fn put(&mut self, row: Row, key: i64) {
        self.keys.resize(self.keys.len().max(row as usize + 1), 0);
        self.keys[row as usize] = key;
        // Out before the key changes is not needed: removal reads no keys.
        self.order.remove(row);
        self.order.insert(row, |other| (self.keys[other as usize], other).cmp(&(key, row)));
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Put(row, key) => self.put(row, key),
            Step::Remove(row) => {
                let was_in = self.order.contains(row);
                assert_eq!(self.order.remove(row), was_in);
            }
            Step::Load(row, many, slope) => (0..many).for_each(|i| self.put(row + i, i64::from(i) * slope % 700)),
            Step::Thin(row, many) => (row..row + many).step_by(2).for_each(|row| {
                self.order.remove(row);
            }),
        }
    }

    fn sorted(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = (0..self.keys.len() as Row).filter(|&row| self.order.contains(row)).collect();
        rows.sort_by_key(|&row| (self.keys[row as usize], row));
        rows
    }

    fn check(&self) -> Result<(), String> {
        self.order.check(|a, b| (self.keys[a as usize], a).cmp(&(self.keys[b as usize], b)))
    }
}

/// Nothing tells where members stand.
type Untold = fn(&[u64]) -> Option<std::ops::Range<usize>>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_order_is_that_of_a_sorted_vector(steps in steps(), from in 0usize..4000, many in 0usize..3000, key in -30i64..30) {
        let mut world = World::default();
        steps.into_iter().for_each(|step| world.apply(step));
        prop_assert_eq!(world.check(), Ok(()));
        let (sorted, order) = (world.sorted(), &world.order);
        prop_assert_eq!(order.len(), sorted.len());
        prop_assert!(order.iter().eq(sorted.iter().copied()));
        prop_assert!(order.iter().rev().eq(sorted.iter().rev().copied()));
        let part: Vec<Row> = sorted.iter().copied().skip(from).take(many).collect();
        prop_assert!(order.range(from, from + many).flatten().eq(&part));
        prop_assert_eq!(order.slice(from, from + many), RowSet::from_unsorted(part));
        prop_assert_eq!(order.partition(|row| world.keys[row as usize] < key), sorted.iter().filter(|&&row| world.keys[row as usize] < key).count());
        let equal = sorted.iter().filter(|row| world.keys[**row as usize] == key);
        prop_assert!(order.equal(|row| world.keys[row as usize].cmp(&key)).flatten().eq(equal));
        let ranks: Vec<u64> = sorted.iter().map(|&row| order.rank_of(row).unwrap()).collect();
        prop_assert!(ranks.is_sorted_by(|a, b| a < b));
        for pair in sorted.windows(2).step_by(7) {
            prop_assert_eq!(order.stand(pair[0], pair[1]), Some(Ordering::Less));
            prop_assert_eq!(order.stand(pair[1], pair[0]), Some(Ordering::Greater));
        }
        let mut bytes = Vec::new();
        order.write(&mut bytes);
        let read = Order::read(&mut &bytes[..]).expect("what was written");
        prop_assert!(read.iter().eq(sorted.iter().copied()));
    }

    #[test]
    fn a_window_is_a_stretch_of_the_filtered_order(
        steps in steps(), modulus in 1u32..400, ends in 0u32..3, skip in 0usize..1500, take in 0usize..1200, from_end: bool,
    ) {
        let mut world = World::default();
        steps.into_iter().for_each(|step| world.apply(step));
        let sorted = world.sorted();
        // Spread evenly, or only at one end of the order, or nearly all; rows without a value among them.
        let among: RowSet = match ends {
            0 => (0..5000).filter(|row| row * 7 % 401 < modulus).collect(),
            1 => RowSet::from_unsorted(sorted.iter().copied().take(modulus as usize).collect()),
            _ => RowSet::from_unsorted(sorted.iter().rev().copied().take(modulus as usize * 10).collect()),
        };
        let mut members: Vec<Row> = sorted.into_iter().filter(|&row| among.contains(row)).collect();
        if from_end {
            members.reverse();
        }
        let expected: Vec<Row> = members.into_iter().skip(skip).take(take).collect();
        let (all, ranks, untold) = (0..world.order.len(), Ranks { skip, take, from_end }, None::<Untold>);
        prop_assert_eq!(&world.order.window(&among, ranks, all.clone(), untold).0, &expected);
        prop_assert_eq!(&world.order.gather(&among, ranks), &expected);
        let places = 0..world.order.places.len();
        let walked = world.order.walk(places, Ranks { take: take.max(1), ..ranks }, u64::MAX, |row| among.contains(row));
        prop_assert_eq!(&walked.unwrap()[..expected.len()], &expected[..]);
        // Members that are known to stand in a part of the order.
        let part = all.len() / 5..all.len() - all.len() / 7;
        let mut inside: Vec<Row> = world.order.range(part.start, part.end).flatten().copied().filter(|row| among.contains(*row)).collect();
        let members = RowSet::from_unsorted(inside.clone());
        if from_end {
            inside.reverse();
        }
        let expected: Vec<Row> = inside.into_iter().skip(skip).take(take).collect();
        prop_assert_eq!(&world.order.window(&members, ranks, part.clone(), untold).0, &expected);
        prop_assert_eq!(world.order.window(&members, ranks, all, Some(|_: &[u64]| Some(part))).0, expected);
    }
}

#[test]
fn the_cheaper_way_is_taken() {
    let order = Order::from_sorted(&(0..200_000).collect::<Vec<_>>());
    let thousandth: RowSet = (0..200_000).step_by(1000).collect();
    assert_eq!(
        order.window(&thousandth, Ranks { skip: 0, take: 100, from_end: false }, 0..200_000, None::<Untold>).1,
        Found::Gather
    );
    let half: RowSet = (0..200_000).step_by(2).collect();
    assert_eq!(
        order.window(&half, Ranks { skip: 0, take: 100, from_end: true }, 0..200_000, None::<Untold>),
        ((0..100).map(|i| 199_998 - 2 * i).collect(), Found::Walk)
    );
    // All members at the far end: the walk gives up, unless they are so many that walking to them is cheaper.
    let far = RowSet::from_range(180_000..=199_999);
    assert_eq!(
        order.window(&far, Ranks { skip: 0, take: 3, from_end: false }, 0..200_000, None::<Untold>),
        (vec![180_000, 180_001, 180_002], Found::Gather)
    );
    let far = RowSet::from_range(60_000..=199_999);
    assert_eq!(
        order.window(&far, Ranks { skip: 0, take: 3, from_end: false }, 0..200_000, None::<Untold>),
        (vec![60_000, 60_001, 60_002], Found::Walk)
    );
    // Unless it is known where they stand.
    let far = RowSet::from_range(180_000..=199_999);
    assert_eq!(
        order.window(&far, Ranks { skip: 0, take: 3, from_end: false }, 179_990..200_000, None::<Untold>),
        (vec![180_000, 180_001, 180_002], Found::Walk)
    );
}

#[test]
fn an_ascending_load_fills_its_chunks() {
    let mut order = Order::default();
    (0..10_000).for_each(|row| order.insert(row, |other| other.cmp(&row)));
    assert_eq!(order.places.len(), 10_000usize.div_ceil(CHUNK));
    (0..10_000).for_each(|row| assert!(order.remove(row)));
    assert!(order.is_empty() && order.places.is_empty() && order.check(|a, b| a.cmp(&b)).is_ok());
}
