//! Phone numbers: reading them, and the digit forms in which people look for them.

use super::numbering::{self, Refusal};
use super::{Alpha2, Phone, codes, fold};

/// Characters of a number as typed, extension included.
const GIVEN_MAX: usize = 64;

impl Phone {
    /// Reads a number, in national form with `default_country` (ISO 3166-1 alpha-2) when it has no `+` or `00`.
    ///
    /// The digits may be of any script, with phone punctuation between them. A number counts when its calling code exists
    /// and its length is in use there, even if nobody has been given it. An extension (`ext. 12`, `x12`, `#12`) is no
    /// part of E.164 and stays in `given` only.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, without the number.
    pub fn parse(given: &str, default_country: Option<&str>) -> Result<Phone, String> {
        let given = given.trim();
        if given.chars().count() > GIVEN_MAX {
            return Err(format!("A phone number has at most {GIVEN_MAX} characters."));
        }
        let typed = Digits::parse(without_extension(given))
            .ok_or("A phone number has only digits, spaces and + - . ( ) / in it.")?;
        let number = match (typed.international, default_country) {
            (true, _) => numbering::international(&typed.digits),
            (false, Some(country)) => numbering::dialled(&typed.digits, country),
            (false, None) => Err(Refusal::Country),
        };
        let number = number.map_err(|refusal| sentence(refusal).to_owned())?;
        let digits = format!("{}{}", number.calling_code, number.national);
        Ok(Phone {
            digits: digits.parse().map_err(|_| sentence(Refusal::Long).to_owned())?,
            calling_code_len: numbering::calling_code_len(number.calling_code),
            given: given.to_owned(),
        })
    }

    /// `+` and the digits.
    pub fn e164(&self) -> String {
        format!("+{}", self.digits)
    }

    /// The country of the number: of those that share its calling code, the one whose number it is; `None` where that
    /// cannot be told, and for codes of no country (`+800` …).
    pub fn country(&self) -> Option<Alpha2> {
        let forms = Forms::of(self);
        let (code, national) = forms.e164().split_at_checked(usize::from(self.calling_code_len))?;
        numbering::country(code.parse().ok()?, national).and_then(codes::country)
    }
}

/// The two digit strings of a number: E.164 without `+`, and `0` with the national number. Digits are
/// [`within`](Digits::within) a number exactly when they are within one of these.
pub fn forms(phone: &Phone) -> [String; 2] {
    let forms = Forms::of(phone);
    [forms.e164().to_owned(), forms.trunk().to_owned()]
}

/// The digit forms of one number, without an allocation: a search looks at millions of them.
struct Forms {
    /// `0`, the national digits' place, and E.164 at the end.
    e164: [u8; 20],
    e164_from: usize,
    trunk: [u8; 20],
    trunk_from: usize,
}

impl Forms {
    fn of(phone: &Phone) -> Forms {
        let mut e164 = [b'0'; 20];
        let mut from = e164.len();
        let mut rest = phone.digits;
        while rest > 0 {
            from -= 1;
            e164[from] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let national_from = (from + usize::from(phone.calling_code_len)).min(e164.len());
        let mut trunk = e164;
        trunk[national_from - 1] = b'0';
        Forms { e164, e164_from: from, trunk, trunk_from: national_from - 1 }
    }

    fn e164(&self) -> &str {
        std::str::from_utf8(&self.e164[self.e164_from..]).unwrap_or_default()
    }

    fn trunk(&self) -> &str {
        std::str::from_utf8(&self.trunk[self.trunk_from..]).unwrap_or_default()
    }

    fn national(&self) -> &str {
        &self.trunk()[1..]
    }
}

/// The digits someone typed to find a number, with whether they marked it as international (`+` or `00`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// ASCII digits, `00` and `+` taken off when `international`.
    pub digits: String,
    pub international: bool,
}

impl Digits {
    /// Reads digits of any script with phone punctuation between them; `None` when there is anything else or no digit.
    /// `(0)` in an international number is what one dials at home instead of the code, and is left out.
    pub fn parse(typed: &str) -> Option<Digits> {
        let mut digits = String::with_capacity(typed.len());
        let mut plus = false;
        // Where the digits stood before the last `(0)`, to take it out once the number proves international.
        let mut optional_zero = None;
        let mut open = None;
        for c in typed.chars() {
            match c {
                '+' | '＋' if digits.is_empty() => plus = true,
                '(' | '（' => open = Some(digits.len()),
                ')' | '）' => {
                    optional_zero = open.take().filter(|&at| digits[at..] == *"0").or(optional_zero);
                }
                _ => match fold::digit(c) {
                    Some(digit) => digits.push(digit),
                    None if is_punctuation(c) => {}
                    None => return None,
                },
            }
        }
        // Only what can follow is a calling code: no code begins with 0.
        let doubled = digits.starts_with("00") && digits.len() > 2 && !digits[2..].starts_with('0');
        let international = plus || doubled;
        if let (true, Some(at)) = (international, optional_zero.filter(|&at| at > 0)) {
            digits.remove(at);
        }
        if doubled {
            digits.drain(..2);
        }
        (!digits.is_empty()).then_some(Digits { digits, international })
    }

    /// Whether the number, in international form or in national form with or without trunk `0`, is these digits.
    /// International digits stand for the international form only, here and below.
    pub fn equals(&self, phone: &Phone) -> bool {
        let (forms, wanted) = (Forms::of(phone), self.digits.as_str());
        forms.e164() == wanted || !self.international && (forms.trunk() == wanted || forms.national() == wanted)
    }

    /// As [`Digits::equals`], for a number that begins so.
    pub fn starts(&self, phone: &Phone) -> bool {
        let (forms, wanted) = (Forms::of(phone), self.digits.as_str());
        forms.e164().starts_with(wanted)
            || !self.international && (forms.trunk().starts_with(wanted) || forms.national().starts_with(wanted))
    }

    /// As [`Digits::equals`], for a number that ends so.
    pub fn ends(&self, phone: &Phone) -> bool {
        let (forms, wanted) = (Forms::of(phone), self.digits.as_str());
        forms.e164().ends_with(wanted) || !self.international && forms.trunk().ends_with(wanted)
    }

    /// As [`Digits::equals`], for a number that contains these digits in a row.
    pub fn within(&self, phone: &Phone) -> bool {
        let (forms, wanted) = (Forms::of(phone), self.digits.as_str());
        forms.e164().contains(wanted) || !self.international && forms.trunk().contains(wanted)
    }
}

/// What people write between digits, and the invisible marks that come along when a number is copied.
fn is_punctuation(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '/' | '－' | '．' | '／' | '·' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// The number as typed, without `tel:` before and an extension after it.
fn without_extension(given: &str) -> &str {
    let number = match given.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &given[4..],
        _ => given,
    };
    let Some(at) = number.find(['x', 'X', 'e', 'E', '#', ';']) else { return number };
    let (before, extension) = number.split_at(at);
    let digits = ["ext.", "ext", ";ext=", "x", "#"].into_iter().find_map(|mark| {
        let start = extension.get(..mark.len())?;
        start.eq_ignore_ascii_case(mark).then(|| &extension[mark.len()..])
    });
    match digits.map(str::trim) {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => number,
    }
}

fn sentence(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::CallingCode => "The phone number's country calling code does not exist.",
        Refusal::Country => {
            "The phone number has no country: begin it with + and the calling code, or set the workspace's default country."
        }
        Refusal::Short => "The phone number is too short for its country.",
        Refusal::Long => "The phone number is too long for its country.",
        Refusal::Length => "The phone number has a number of digits that its country does not use.",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(given: &str, country: &str) -> Result<String, String> {
        Phone::parse(given, Some(country)).map(|phone| phone.e164())
    }

    fn kuala_lumpur() -> Phone {
        Phone::parse("+60 12 345 6789", None).unwrap()
    }

    fn digits(typed: &str) -> Digits {
        Digits::parse(typed).unwrap()
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (given, country, e164) in [
            ("+60 12-345 6789", "MY", "+60123456789"),
            ("012-345 6789", "MY", "+60123456789"),
            ("12 345 6789", "my", "+60123456789"),
            ("60123456789", "MY", "+60123456789"),
            ("0060 12 345 6789", "DE", "+60123456789"),
            ("+44 (0)20 7946 0018", "MY", "+442079460018"),
            ("+44 020 7946 0018", "MY", "+442079460018"),
            ("011 44 20 7946 0018", "US", "+442079460018"),
            ("(415) 555-2671", "US", "+14155552671"),
            ("1-415-555-2671 ext. 12", "US", "+14155552671"),
            ("tel:+14155552671;ext=9", "MY", "+14155552671"),
            ("06 698 12345", "IT", "+390669812345"),
            ("8 (800) 555-35-35", "RU", "+78005553535"),
            ("+7 800 555 35 35", "RU", "+78005553535"),
            ("+٦٠ ١٢ ٣٤٥ ٦٧٨٩", "MY", "+60123456789"),
            ("０９０－１２３４－５６７８", "JP", "+819012345678"),
            ("\u{202A}+60\u{A0}12\u{2011}345\u{A0}6789\u{202C}", "MY", "+60123456789"),
            ("011 15 2345-6789", "AR", "+5491123456789"),
            ("+52 55 1234 5678", "MX", "+525512345678"),
            ("+800 1234 5678", "MY", "+80012345678"),
        ] {
            assert_eq!(number(given, country).as_deref(), Ok(e164), "{given}");
        }
        assert_eq!(Phone::parse("  012 345 6789 ", Some("MY")).unwrap().given, "012 345 6789");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for given in
            ["", "+", "abc", "1-800-FLOWERS", "12", "+999 1234567", "+0 123456", "+60 1", "012 345 6789 0000 111"]
        {
            assert!(number(given, "MY").is_err(), "{given}");
        }
        assert!(number("+60 12 345 6789 x", "MY").is_err());
        assert!(number(&"1".repeat(100_000), "MY").is_err());
        assert!(Phone::parse("012 345 6789", None).is_err_and(|why| why.contains("begin it with +")));
        assert!(Phone::parse("012 345 6789", Some("ZZ")).is_err());
    }

    #[test]
    fn the_country_is_that_of_the_number() {
        for (given, country) in [
            ("+60123456789", Some("MY")),
            ("+14155552671", Some("US")),
            ("+16137827274", Some("CA")),
            ("+13459492311", Some("KY")),
            ("+442079460018", Some("GB")),
            ("+441534456789", Some("JE")),
            ("+77011234567", Some("KZ")),
            ("+79123456789", Some("RU")),
            ("+390669812345", Some("VA")),
            ("+38344123456", Some("XK")),
            ("+80012345678", None),
            ("+15555555555", None),
        ] {
            let phone = Phone::parse(given, None).unwrap();
            assert_eq!(phone.country().map(Alpha2::text).as_deref(), country, "{given}");
        }
    }

    #[test]
    fn digits_are_read_with_punctuation_only() {
        assert_eq!(digits("+60 12-345"), Digits { digits: "6012345".into(), international: true });
        assert_eq!(digits("0060(0)12"), Digits { digits: "6012".into(), international: true });
        assert_eq!(digits("(0)12"), Digits { digits: "012".into(), international: false });
        assert_eq!(digits("٠١٢"), Digits { digits: "012".into(), international: false });
        assert_eq!(digits("00"), Digits { digits: "00".into(), international: false });
        for none in ["", "+", "--", "12a", "1+2", "@12", "१२ं"] {
            assert_eq!(Digits::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_number_is_found_in_each_of_its_forms() {
        let phone = kuala_lumpur();
        for typed in ["+60 12-345", "012345", "2345", "0060123", "60123", "789", "0123456789", "9"] {
            assert!(digits(typed).within(&phone), "{typed}");
        }
        for typed in ["+0234", "00012", "6012346"] {
            assert!(!digits(typed).within(&phone), "{typed}");
        }
        for typed in ["+60123456789", "60123456789", "0123456789", "123456789", "0060 12 345 6789"] {
            assert!(digits(typed).equals(&phone), "{typed}");
        }
        for typed in ["+123456789", "23456789", "+0123456789"] {
            assert!(!digits(typed).equals(&phone), "{typed}");
        }
        assert!(["+60", "60", "0", "01", "1", "12"].iter().all(|typed| digits(typed).starts(&phone)));
        assert!(!["+0", "+1", "2"].iter().any(|typed| digits(typed).starts(&phone)));
        assert!(["+6789", "6789", "0123456789"].iter().all(|typed| digits(typed).ends(&phone)));
        assert!(!digits("+6788").ends(&phone));
        assert_eq!(forms(&phone), ["60123456789", "0123456789"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn forms_say_what_within_says(code in 1_u64..1000, national in 1_u64..1_000_000_000, typed in "[+]?[0-9]{1,5}") {
            let calling_code_len = code.to_string().len() as u8;
            let phone = Phone { digits: format!("{code}{national}").parse().unwrap(), calling_code_len, given: String::new() };
            let typed = digits(&typed);
            let [e164, trunk] = forms(&phone);
            let expected = e164.contains(&typed.digits) || !typed.international && trunk.contains(&typed.digits);
            prop_assert_eq!(typed.within(&phone), expected);
        }

        #[test]
        fn no_input_panics(given in "\\PC{0,24}|[+0-9() x#]{0,24}", country in "[A-Z]{2}") {
            if let Ok(phone) = Phone::parse(&given, Some(&country)) {
                prop_assert!(phone.digits < 10_u64.pow(15));
                let again = Phone::parse(&phone.e164(), None).unwrap();
                prop_assert_eq!((again.digits, again.calling_code_len), (phone.digits, phone.calling_code_len));
                let _ = phone.country();
            }
        }
    }
}
