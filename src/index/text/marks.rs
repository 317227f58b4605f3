//! Where texts begin in the arena, one in so many bytes: what a search through all of them hits is found in its text without
//! going through the texts before it.

/// A mark stands for so many places.
const STEP: usize = 256;
/// No text begins there.
const NONE: (u32, u32) = (u32::MAX, 0);

/// By stretch of the arena: the place of the first text that begins in it, and its number as it was then.
#[derive(Default)]
pub struct Marks {
    first: Vec<(u32, u32)>,
}

impl Marks {
    pub fn of(texts: impl Iterator<Item = (u32, u32)>) -> Marks {
        let mut marks = Marks::default();
        texts.for_each(|(place, number)| marks.note(place, number));
        marks
    }

    /// Notes that the text of that number begins at the place.
    pub fn note(&mut self, place: u32, number: u32) {
        let at = place as usize / STEP;
        if at >= self.first.len() {
            self.first.resize(at + 1, NONE);
        }
        self.first[at] = self.first[at].min((place, number));
    }

    /// The last marked text that begins not behind the place, as its place and number; of those from the stretch of `from` on only, so
    /// that a search never goes back over what it has passed.
    pub fn before(&self, place: u32, from: u32) -> Option<(u32, u32)> {
        let upto = self.first.get(..=place as usize / STEP).unwrap_or(&self.first);
        let since = upto.get(from as usize / STEP..).unwrap_or_default();
        since.iter().rev().find(|(first, _)| *first <= place).copied()
    }

    pub fn memory(&self) -> usize {
        self.first.capacity() * size_of::<(u32, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_before_a_place_is_near() {
        let places: Vec<u32> = (1..5000).map(|at| at * 7).filter(|place| !(9000..12_000).contains(place)).collect();
        let marks = Marks::of(places.iter().copied().zip(0..));
        for at in 7..40_000 {
            let (place, number) = marks.before(at, 0).unwrap();
            assert!(place <= at && places[number as usize] == place);
            let nearest = places[places.partition_point(|place| *place <= at) - 1];
            assert!(nearest - place <= 2 * STEP as u32, "{at}: {place}, not {nearest}");
            // Where no text begins nothing is found from there on; else the same.
            let near = marks.before(at, at.saturating_sub(2 * STEP as u32));
            assert!(near == Some((place, number)) || (near.is_none() && at - place > STEP as u32));
        }
        assert!(marks.before(6, 0).is_none() && Marks::default().before(9, 0).is_none());
    }
}
