//! The databases' counts of facets in the words of ours, so that they can be compared.

use rollcall::contact::{Catalog, ChannelId, StageId, Status, TagId, UserId};

use crate::row::Rows;

/// What the codes of the corpus stand for.
pub struct Labels(Catalog);

impl Labels {
    pub fn new() -> Labels {
        Labels(Rows::new().catalog)
    }

    /// `field=value: count` of rows of column, code and count, sorted; and the sum of the statuses. No code is no value.
    pub fn told<'a>(&self, rows: impl Iterator<Item = (&'a str, Option<&'a str>, u64)>) -> (Vec<String>, u64) {
        let (mut told, mut statuses) = (Vec::new(), 0);
        for (column, code, count) in rows {
            statuses += if column == "status" { count } else { 0 };
            let label = code.map(|code| self.label(column, code)).unwrap_or_default();
            told.push(format!("{}={label}: {count}", field(column)));
        }
        told.sort();
        (told, statuses)
    }

    fn label(&self, column: &str, code: &str) -> String {
        let number = || code.parse::<u32>().unwrap_or_default();
        let label = match column {
            "tags" => self.0.tags.get(&TagId(number())).map(|tag| tag.name.clone()),
            "channels" => self.0.channels.get(&ChannelId(number())).map(|channel| channel.name.clone()),
            "assignee" => self.0.users.get(&UserId(number())).map(|user| user.full_name()),
            "lifecycle" => self.0.stages.get(&StageId(number())).map(|stage| stage.name.clone()),
            "status" => Status::ALL.get(number() as usize).map(|status| status.name().to_owned()),
            _ => None,
        };
        label.unwrap_or_else(|| code.to_owned())
    }
}

/// What of ours says how many have no value of the field: the databases count it where it is a column.
pub fn without(field: &str, count: u64) -> Option<String> {
    let is_column = !["tags", "channels", "source"].contains(&field);
    (is_column && count > 0).then(|| format!("{field}=: {count}"))
}

fn field(column: &str) -> &str {
    match column {
        "sources" => "source",
        "country" => "countryCode",
        same => same,
    }
}
