//! How a caller's JSON says things of columns, each named by its header.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::spec::{ColumnDetails, ColumnTo, NewFields};

/// Header and value, in the order in which they were given, each header once.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns<T>(pub Vec<(String, T)>);

impl<T> Default for Columns<T> {
    fn default() -> Self {
        Columns(Vec::new())
    }
}

impl<T: Serialize> Serialize for Columns<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(header, value)| (header, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Columns<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Each<T> {
            type Value = Columns<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a member for each column")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut columns = Vec::new();
                while let Some((header, value)) = access.next_entry::<String, T>()? {
                    if columns.iter().any(|(other, _)| *other == header) {
                        return Err(A::Error::custom(format_args!("duplicate field `{header}`")));
                    }
                    columns.push((header, value));
                }
                Ok(Columns(columns))
            }
        }

        deserializer.deserialize_map(Each(PhantomData))
    }
}

impl<'de> Deserialize<'de> for ColumnTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Null => Ok(ColumnTo::Nothing(())),
            Json::String(field) => Ok(ColumnTo::Field(field)),
            Json::Object(details) => {
                let details = ColumnDetails::deserialize(Json::Object(details).into_deserializer());
                details.map(ColumnTo::Details).map_err(D::Error::custom)
            }
            _ => Err(D::Error::custom(
                "a column is given a field's name, null to leave it out, or {\"field\": name, \"overwrite\": false}",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for NewFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Bool(every) => Ok(NewFields::Every(every)),
            Json::Object(some) => {
                let some = Columns::deserialize(Json::Object(some).into_deserializer());
                some.map(NewFields::Some).map_err(D::Error::custom)
            }
            _ => Err(D::Error::custom(
                "newFields is true for every column that fits no field, or an object of headers with their types (null: guessed)",
            )),
        }
    }
}
