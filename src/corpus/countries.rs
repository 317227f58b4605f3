//! Countries with the ranges of their mobile numbers.

use super::dice::Dice;

/// A country and its mobile numbers.
pub(super) struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: [u8; 2],
    /// Country calling code.
    pub calling: &'static str,
    /// Beginnings of national numbers. What follows is seven digits, or six where there are ten or more beginnings that
    /// stand for the seventh.
    leads: &'static [&'static str],
    tail: usize,
}

macro_rules! countries {
    ($($code:literal $calling:literal $tail:literal [$($lead:literal)*];)*) => {
        pub(super) const COUNTRIES: &[Country] = &[$(Country {
            code: *$code, calling: $calling, tail: $tail, leads: &[$($lead),*],
        }),*];
    };
}

countries! {
    b"ES" "34" 7 ["61" "62" "65" "66"];
    b"MX" "52" 7 ["552" "555" "558"];
    b"CO" "57" 7 ["300" "310" "315"];
    b"AR" "54" 7 ["9115" "9116"];
    b"BR" "55" 7 ["1198" "2199" "3199" "4199"];
    b"PT" "351" 7 ["91" "93" "96"];
    b"FR" "33" 7 ["61" "62" "66" "67"];
    b"DE" "49" 7 ["1511" "1515" "1520" "1575"];
    b"AT" "43" 7 ["664" "660" "676"];
    b"GB" "44" 7 ["711" "722" "733"];
    b"US" "1" 6 ["2122" "2123" "2124" "2125" "3102" "3103" "3104" "4152" "4153" "4154"];
    b"AU" "61" 7 ["41" "42" "43"];
    b"PL" "48" 7 ["50" "51" "60" "66"];
    b"CZ" "420" 7 ["72" "73" "77"];
    b"TR" "90" 7 ["532" "542" "505"];
    b"VN" "84" 7 ["90" "91" "97" "86"];
    b"MY" "60" 6 ["122" "123" "124" "125" "126" "162" "163" "164" "172" "173"];
    b"SG" "65" 6 ["81" "82" "83" "84" "85" "86" "87" "91" "92" "93"];
    b"ID" "62" 7 ["8121" "8131" "8571"];
    b"RU" "7" 7 ["916" "903" "925" "921"];
    b"KZ" "7" 7 ["701" "702" "705" "777"];
    b"UA" "380" 7 ["50" "67" "63" "97"];
    b"EG" "20" 7 ["100" "111" "122"];
    b"SA" "966" 7 ["50" "53" "55"];
    b"AE" "971" 7 ["50" "52" "55" "56"];
    b"MA" "212" 7 ["61" "66" "67"];
    b"CN" "86" 7 ["1380" "1391" "1850"];
    b"TW" "886" 7 ["91" "92" "93"];
    b"HK" "852" 6 ["61" "63" "64" "65" "92" "93" "94" "96" "97" "98"];
    b"JP" "81" 7 ["901" "802" "903"];
    b"KR" "82" 7 ["102" "103" "105" "109"];
    b"TH" "66" 7 ["81" "89" "91" "62"];
}

impl Country {
    /// The country of that code.
    pub fn of(code: &str) -> &'static Country {
        let found = COUNTRIES.iter().find(|country| country.code == code.as_bytes());
        found.unwrap_or(&COUNTRIES[0])
    }

    /// The E.164 digits of the number that belongs to `serial`: numbers of different serials below ten million differ.
    pub fn number(&self, serial: u64, dice: &mut Dice) -> u64 {
        let lead = match self.tail {
            6 => self.leads[(serial / 1_000_000) as usize % self.leads.len()],
            _ => self.leads[dice.below(self.leads.len())],
        };
        let tens = 10u64.pow(self.tail as u32);
        let digits = self.calling.bytes().chain(lead.bytes()).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        digits * tens + serial % tens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_valid_in_its_country() {
        let source = Dice::source(7);
        let mut wrong = std::collections::BTreeSet::new();
        for country in COUNTRIES {
            for serial in (0..10_000_000u64).step_by(99_991) {
                let digits = country.number(serial, &mut Dice::of(&source, serial));
                let number = phonenumber::parse(None, format!("+{digits}")).unwrap();
                let calling = number.code().value().to_string();
                if !phonenumber::is_valid(&number) || calling != country.calling {
                    wrong.insert(digits.to_string()[..country.calling.len() + 4].to_owned());
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
