//! Random texts, values and bytes, and what spoils sound ones.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value as Json, json};

/// Draws what a case is made of.
pub struct Dice(pub ChaCha8Rng);

/// Characters that trip foldings, parsers and displays.
const ODD: [&str; 44] = [
    "\0",
    "\u{feff}",
    "\u{200d}",
    "\u{ad}",
    "\u{301}",
    "\u{345}",
    "İ",
    "ı",
    "ß",
    "ẞ",
    "ﬃ",
    "Σς",
    "K",
    "Å",
    "각",
    "ᄀ",
    "가\u{11a8}",
    "カﾞ",
    "ｶ",
    "が",
    "Ａ",
    "１",
    "٣",
    "۴",
    "೩",
    "𝟗",
    "½",
    "①",
    "👩\u{200d}🚀",
    "\u{202e}",
    "\u{2028}",
    "\u{a0}",
    "\t",
    "\r\n",
    "\"",
    "\\",
    "'",
    ",",
    "=1+1",
    "（",
    "）",
    "＋",
    "\u{10ffff}",
    "ใ",
];

impl Dice {
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    pub fn one_in(&mut self, many: u32) -> bool {
        self.0.random_range(0..many) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub fn text(&mut self) -> String {
        let length = if self.one_in(50) { 600 } else { self.below(9) };
        let mut text = String::new();
        for _ in 0..length {
            match self.below(6) {
                0 => text.push_str(self.pick(&ODD)),
                1 => text.push(char::from(self.pick(b"0123456789+-. ()/"))),
                2 => text.push(self.0.random()),
                _ => text.push(char::from(self.0.random_range(b' '..=b'~'))),
            }
        }
        text
    }

    /// Text like `text`, with a part replaced, doubled or gone.
    pub fn spoil_text(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..1 + self.below(3) {
            let at = self.below(chars.len() + 1);
            let end = (at + 1 + self.below(3)).min(chars.len());
            let new: Vec<char> = match self.below(4) {
                0 => Vec::new(),
                1 => chars[at..end].repeat(2),
                2 => self.text().chars().collect(),
                _ => self.pick(&ODD).chars().collect(),
            };
            chars.splice(at..end, new);
        }
        chars.into_iter().collect()
    }

    pub fn number(&mut self) -> Json {
        match self.below(8) {
            0 => json!(i64::MAX),
            1 => json!(i64::MIN),
            2 => json!(u64::MAX),
            3 => json!(self.pick(&[1e308, -1e308, 5e-324, -0.0, 0.5, 1e19, 9_007_199_254_740_993.0])),
            4 => json!(self.pick(&[253_402_207_200_999i64, -62_135_596_800_000, 253_402_207_201_000])),
            5 => json!(self.0.random::<i64>()),
            _ => json!(self.below(300) as i64 - 20),
        }
    }

    pub fn value(&mut self, depth: usize) -> Json {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => Json::Null,
            1 => self.one_in(2).into(),
            2 => self.number(),
            3 => self.number().to_string().into(),
            4 => self.text().into(),
            5 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let names =
                    ["$and", "$or", "$not", "field", "operator", "value", "from", "to", "amount", "unit", "ago"];
                (0..self.below(4))
                    .map(|_| (self.pick(&names).to_owned(), self.value(depth - 1)))
                    .collect::<Map<_, _>>()
                    .into()
            }
        }
    }

    /// Changes some of the values and names inside, few or many.
    pub fn spoil(&mut self, json: &mut Json) {
        let rate = self.pick(&[6, 40, 200]);
        self.spoil_at(rate, json);
    }

    /// Changes one in `rate` of them.
    fn spoil_at(&mut self, rate: u32, json: &mut Json) {
        if self.one_in(rate) {
            *json = match json.take() {
                Json::String(text) if !self.one_in(3) => self.spoil_text(&text).into(),
                Json::Number(_) if !self.one_in(3) => self.number(),
                other if self.one_in(5) => (0..4 + self.below(20)).fold(other, |inner, _| json!({"$not": inner})),
                other if self.one_in(4) => json!([other.clone(), other]),
                _ => self.value(3),
            };
            return;
        }
        match json {
            Json::Array(items) => items.iter_mut().for_each(|item| self.spoil_at(rate, item)),
            Json::Object(members) => {
                for (mut name, mut value) in std::mem::take(members) {
                    if self.one_in(5 * rate) {
                        name = self.spoil_text(&name);
                    }
                    self.spoil_at(rate, &mut value);
                    if !self.one_in(5 * rate) {
                        members.insert(name, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Flips, cuts, doubles, moves and overwrites; sometimes nothing at all.
    pub fn spoil_bytes(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.below(4) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(40)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(at..end)),
                2 => bytes.truncate(at),
                3 => {
                    let part = bytes[at..end].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, part);
                }
                4 => drop(bytes.splice(at..at, self.text().into_bytes())),
                _ => bytes[at..end].fill(self.0.random()),
            }
        }
    }
}
