//! The world's numbering plans: what a dialled number is in E.164, and whose country it is.
//!
//! The rules and their data are libphonenumber's. Its patterns are compiled here, each once and on first use: the crate
//! that carries the data keeps one locked cache of a hundred patterns, which a mixed import would fill and refill.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use phonenumber::Metadata;
use phonenumber::metadata::{DATABASE, Descriptor};
use regex::{Regex, RegexBuilder};

/// How many trunk prefixes are taken off a number beside its first: as many as its digits could be.
const PREFIXES_MAX: usize = 15;

/// The digits of a number after its calling code, with that code: what E.164 is made of.
pub struct Significant {
    pub calling_code: u16,
    pub national: String,
}

/// Why digits are not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No calling code begins so.
    CallingCode,
    /// A national number, and no country to read it in.
    Country,
    Short,
    Long,
    /// Between the shortest and the longest number, and of no length in use.
    Length,
}

/// Reads the digits after `+` or `00`.
pub fn international(digits: &str) -> Result<Significant, Refusal> {
    let found = (1..=3.min(digits.len())).find_map(|length| {
        let (code, national) = digits.split_at(length);
        let code = code.parse::<u16>().ok().filter(|_| !digits.starts_with('0'))?;
        PLANS.of_code(code).first().map(|plan| (code, national, plan))
    });
    let (calling_code, national, plan) = found.ok_or(Refusal::CallingCode)?;
    plan.complete(calling_code, national)
}

/// Reads digits as dialled in `country`, an ISO 3166-1 alpha-2 code: with its prefix for calls abroad, with or without
/// its trunk prefix, or with its calling code and no `+`.
pub fn dialled(digits: &str, country: &str) -> Result<Significant, Refusal> {
    let plan = PLANS.of_country(country).ok_or(Refusal::Country)?;
    if let Some(prefix) = plan.abroad().find(digits)
        && !digits[prefix.end()..].starts_with('0')
        && let Ok(number) = international(&digits[prefix.end()..])
    {
        return Ok(number);
    }
    let calling_code = plan.meta.country_code();
    if let Some(rest) = digits.strip_prefix(&calling_code.to_string()) {
        let rest = plan.without_trunk(rest);
        let fits_better = !plan.general().is_match(digits) && plan.general().is_match(&rest);
        if fits_better || plan.length(digits) == Err(Refusal::Long) {
            return plan.complete(calling_code, &rest);
        }
    }
    plan.complete(calling_code, digits)
}

/// The country whose number it is; `None` where several share the calling code and the number fits none of them.
pub fn country(calling_code: u16, national: &str) -> Option<&'static str> {
    let plans = PLANS.of_code(calling_code);
    let plan = match plans {
        [only] => only,
        shared => shared.iter().find(|plan| match plan.leading() {
            Some(leading) => leading.is_match(national),
            None => plan.general().is_match(national) && plan.types().is_match(national),
        })?,
    };
    Some(plan.meta.id())
}

/// How many of the first digits are the calling code.
pub fn calling_code_len(calling_code: u16) -> u8 {
    match calling_code {
        0..10 => 1,
        10..100 => 2,
        _ => 3,
    }
}

/// A country's plan. Patterns are compiled when first asked for.
struct Plan {
    meta: &'static Metadata,
    /// Bit `n`: national numbers of `n` digits exist.
    lengths: u32,
    general: OnceLock<Regex>,
    trunk: OnceLock<Regex>,
    abroad: OnceLock<Regex>,
    leading: OnceLock<Regex>,
    types: OnceLock<Regex>,
}

struct Plans {
    /// By calling code, the main country first.
    by_code: HashMap<u16, Vec<Plan>>,
    /// Calling code and place in its list.
    by_country: HashMap<&'static str, (u16, usize)>,
}

static PLANS: LazyLock<Plans> = LazyLock::new(|| {
    let mut plans = Plans { by_code: HashMap::new(), by_country: HashMap::new() };
    for code in 1..1000 {
        let of_code: Vec<Plan> = DATABASE.by_code(&code).unwrap_or_default().into_iter().map(Plan::new).collect();
        for (place, plan) in of_code.iter().enumerate() {
            plans.by_country.insert(plan.meta.id(), (code, place));
        }
        if !of_code.is_empty() {
            plans.by_code.insert(code, of_code);
        }
    }
    plans
});

impl Plans {
    fn of_code(&self, code: u16) -> &[Plan] {
        self.by_code.get(&code).map_or(&[], Vec::as_slice)
    }

    fn of_country(&self, country: &str) -> Option<&Plan> {
        let (code, place) = self.by_country.get(country.to_ascii_uppercase().as_str())?;
        self.of_code(*code).get(*place)
    }
}

impl Plan {
    fn new(meta: &'static Metadata) -> Plan {
        Plan {
            meta,
            lengths: types(meta)
                .flat_map(Descriptor::possible_length)
                .fold(0, |lengths, &length| lengths | 1 << length),
            general: OnceLock::new(),
            trunk: OnceLock::new(),
            abroad: OnceLock::new(),
            leading: OnceLock::new(),
            types: OnceLock::new(),
        }
    }

    /// Whole national numbers.
    fn general(&self) -> &Regex {
        self.general.get_or_init(|| compiled(&format!("^(?:{})$", self.meta.descriptors().general().national_number())))
    }

    /// Trunk and carrier prefixes, at the beginning.
    fn trunk(&self) -> &Regex {
        self.trunk.get_or_init(|| match self.meta.national_prefix_for_parsing() {
            Some(pattern) => compiled(&format!("^(?:{pattern})")),
            None => compiled(&self.meta.national_prefix().map_or(NEVER.into(), |prefix| format!("^{prefix}"))),
        })
    }

    /// What one dials before the calling code of another country.
    fn abroad(&self) -> &Regex {
        self.abroad.get_or_init(|| {
            compiled(&self.meta.international_prefix().map_or(NEVER.into(), |pattern| format!("^(?:{pattern})")))
        })
    }

    /// The first digits that only this country of a shared calling code has.
    fn leading(&self) -> Option<&Regex> {
        let pattern = self.meta.leading_digits()?;
        Some(self.leading.get_or_init(|| compiled(&format!("^(?:{pattern})"))))
    }

    /// Whole national numbers of a known type.
    fn types(&self) -> &Regex {
        self.types.get_or_init(|| {
            let patterns: Vec<&str> = types(self.meta).map(|kind| kind.national_number().as_str()).collect();
            compiled(&format!("^(?:{})$", patterns.join("|")))
        })
    }

    /// Whether a national number may have that many digits.
    fn length(&self, national: &str) -> Result<(), Refusal> {
        let shorter_or_equal = u32::MAX >> 31_usize.saturating_sub(national.len()) & self.lengths;
        let longer = self.lengths & !shorter_or_equal;
        match 1_u32.checked_shl(national.len() as u32).unwrap_or(0) & self.lengths {
            0 if shorter_or_equal == 0 => Err(Refusal::Short),
            0 if longer == 0 => Err(Refusal::Long),
            0 => Err(Refusal::Length),
            _ => Ok(()),
        }
    }

    /// The number without its trunk prefix: taken off unless that makes a number of the plan into none.
    fn without_trunk(&self, national: &str) -> String {
        if self.has_plain_trunk() && self.meta.national_prefix().is_none_or(|prefix| !national.starts_with(prefix)) {
            return national.to_owned();
        }
        let trunk = self.trunk();
        let Some(found) = trunk.captures(national) else { return national.to_owned() };
        let last_group = trunk.captures_len() - 1;
        let rule =
            self.meta.national_prefix_transform_rule().filter(|_| last_group == 0 || found.get(last_group).is_some());
        let bare = match rule {
            Some(rule) => trunk.replace(national, braced(rule).as_str()).into_owned(),
            None => national[found.get_match().end()..].to_owned(),
        };
        let general = self.general();
        if general.is_match(&bare) {
            return bare;
        }
        // The pattern may have taken a carrier's digits out of a number that has none.
        let plain = self.meta.national_prefix().and_then(|prefix| national.strip_prefix(prefix));
        match plain.filter(|plain| general.is_match(plain)) {
            _ if general.is_match(national) => national.to_owned(),
            Some(plain) => plain.to_owned(),
            None => bare,
        }
    }

    /// Whether the trunk prefix is plain digits or nothing, so that most numbers need no pattern.
    fn has_plain_trunk(&self) -> bool {
        match (self.meta.national_prefix_for_parsing(), self.meta.national_prefix()) {
            (None, _) => true,
            (Some(pattern), Some(prefix)) => pattern.as_str() == prefix,
            (Some(_), None) => false,
        }
    }

    /// The number, its trunk prefix taken off, if it may be one. Read again it is the same: a prefix dialled twice goes twice.
    fn complete(&self, calling_code: u16, national: &str) -> Result<Significant, Refusal> {
        let mut national = self.once_complete(national)?;
        for _ in 0..PREFIXES_MAX {
            match self.once_complete(&national)? {
                same if same == national => break,
                shorter => national = shorter,
            }
        }
        match usize::from(calling_code_len(calling_code)) + national.len() {
            ..=15 => Ok(Significant { calling_code, national }),
            _ => Err(Refusal::Long),
        }
    }

    fn once_complete(&self, national: &str) -> Result<String, Refusal> {
        let bare = self.without_trunk(national);
        match self.length(&bare) {
            Ok(()) => Ok(bare),
            Err(refusal) => self.length(national).map(|()| national.to_owned()).map_err(|_| refusal),
        }
    }
}

/// The numbers a person or a company can have, by type.
fn types(meta: &'static Metadata) -> impl Iterator<Item = &'static Descriptor> {
    let all = meta.descriptors();
    let types = [
        all.fixed_line(),
        all.mobile(),
        all.toll_free(),
        all.premium_rate(),
        all.shared_cost(),
        all.personal_number(),
        all.voip(),
        all.pager(),
        all.uan(),
        all.voicemail(),
    ];
    types.into_iter().flatten()
}

/// Matches nothing.
const NEVER: &str = "[a&&b]";

/// A pattern of the data. One that does not compile matches nothing, which a test excludes.
fn compiled(pattern: &str) -> Regex {
    let build = |pattern: &str| RegexBuilder::new(pattern).ignore_whitespace(true).unicode(false).build();
    build(pattern).or_else(|_| build(NEVER)).unwrap_or_else(|_| unreachable!("an empty class always compiles"))
}

/// `9$1` as `9${1}`: here a group's name would otherwise swallow the digits behind it.
fn braced(rule: &str) -> String {
    let mut out = String::with_capacity(rule.len() + 4);
    let mut chars = rule.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '$' {
            out.push('{');
            out.extend(chars.next());
            out.push('}');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_data_compiles() {
        for plan in PLANS.by_code.values().flatten() {
            for pattern in [plan.general(), plan.trunk(), plan.abroad(), plan.types()].into_iter().chain(plan.leading())
            {
                assert!(!pattern.as_str().is_empty());
                let expected = plan.meta.national_prefix().is_none() || plan.meta.international_prefix().is_none();
                assert!(pattern.as_str() != NEVER || expected, "{}", plan.meta.id());
            }
        }
    }

    #[test]
    fn examples_of_every_country_are_read_and_placed() {
        let mut wrong = Vec::new();
        let mut read = 0;
        let plans = PLANS.by_code.iter().flat_map(|(code, plans)| plans.iter().map(move |plan| (*code, plan)));
        for (code, plan) in plans.filter(|(_, plan)| plan.meta.id() != "001") {
            let (id, all) = (plan.meta.id(), plan.meta.descriptors());
            for example in [all.fixed_line(), all.mobile()].into_iter().flatten().filter_map(Descriptor::example) {
                let trunk = plan.meta.national_prefix().unwrap_or_default();
                for (number, form) in [
                    (international(&format!("{code}{example}")), "international"),
                    (dialled(example, id), "national"),
                    (dialled(&format!("{trunk}{example}"), id), "with trunk prefix"),
                ] {
                    match number {
                        Ok(number) if number.calling_code == code && number.national == example => {}
                        Ok(number) => wrong.push(format!("{id} {example} {form}: {}", number.national)),
                        Err(refusal) => wrong.push(format!("{id} {example} {form}: {refusal:?}")),
                    }
                }
                // A few countries share whole ranges (Norway and Svalbard); then the greater one is named.
                let found = country(code, example).and_then(|id| PLANS.of_country(id));
                if !found.is_some_and(|found| std::ptr::eq(found, plan) || found.types().is_match(example)) {
                    wrong.push(format!("{id} {example}: {:?}", country(code, example)));
                }
                read += 1;
            }
        }
        assert!(wrong.is_empty() && read > 400, "{read} read, wrong: {wrong:#?}");
    }
}
