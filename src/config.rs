//! The configuration: compiled-in defaults, then a file, then the environment, then flags. Unknown keys are refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::Deserialize;

use crate::contact::suggest;
use crate::engine;
use crate::http;

/// Every key with its default and its meaning.
pub const DEFAULTS: &str = include_str!("../config/rollcall.toml");

/// The file that is read where it stands and no other is named.
const FILE: &str = "rollcall.toml";
const ENVIRONMENT: &str = "ROLLCALL_";

/// Everything that can be set. The defaults and the meaning of each key stand in `config/rollcall.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub store: Store,
    pub http: http::Settings,
    pub log: Log,
    pub engine: engine::Settings,
}

/// Where the data lies and how the store on disk works.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub folder: PathBuf,
    pub cache_bytes: u64,
    pub flush_every_ms: u64,
}

/// What is logged and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// What stands over the defaults, weakest first.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file named by a flag; it must be there. Without one, `rollcall.toml` in the working folder if it is there.
    pub file: Option<PathBuf>,
    /// The process's environment.
    pub environment: Vec<(String, String)>,
    /// `section.key`, value.
    pub flags: Vec<(&'static str, String)>,
}

/// A configuration with where each value came from.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    figment: Figment,
}

impl Config {
    /// Reads all sources.
    ///
    /// # Errors
    /// One sentence: the key, what is wrong with it and where it stood.
    pub fn load(sources: &Sources) -> Result<Loaded, String> {
        let defaults = Layer::of_toml("default", DEFAULTS)?;
        let mut figment = Figment::from(defaults.clone());
        for layer in [file(sources)?, Some(environment(sources, &defaults)?), Some(flags(sources, &defaults)?)]
            .into_iter()
            .flatten()
        {
            layer.check_keys(&defaults)?;
            figment = figment.merge(layer);
        }
        let config: Config = figment.extract().map_err(|error| sentence(&error))?;
        config.check()?;
        Ok(Loaded { config, figment })
    }

    /// The defaults alone.
    ///
    /// # Errors
    /// Never for the file that is compiled in, which the tests read.
    pub fn defaults() -> Result<Config, String> {
        let figment = Figment::from(Layer::of_toml("default", DEFAULTS)?);
        figment.extract().map_err(|error| sentence(&error))
    }

    /// Values that are of the right type and yet cannot work.
    fn check(&self) -> Result<(), String> {
        let engine = &self.engine;
        let at_least_one = [
            ("engine.depth_max", engine.depth_max),
            ("engine.conditions_max", engine.conditions_max),
            ("engine.page_default", engine.page_default),
            ("engine.sort_keys_max", engine.sort_keys_max),
            ("engine.batch_operations_max", engine.batch_operations_max),
            ("engine.queue_max", engine.queue_max),
            ("engine.text_flush_rows", engine.text_flush_rows),
            ("http.body_bytes_max", self.http.body_bytes_max),
            ("http.connections_max", self.http.connections_max),
            ("http.blocking_writes_max", self.http.blocking_writes_max),
        ];
        if let Some((key, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{key} is 0; it must be at least 1"));
        }
        if self.http.timeout_ms <= self.http.body_timeout_ms {
            return Err("http.timeout_ms must be longer than http.body_timeout_ms".to_owned());
        }
        if engine.page_default > engine.page_max {
            return Err(format!("engine.page_default is {}, above engine.page_max", engine.page_default));
        }
        if engine.page_max > engine.window_max {
            return Err(format!("engine.page_max is {}, above engine.window_max", engine.page_max));
        }
        Ok(())
    }
}

impl Loaded {
    /// The configuration in force as TOML, each line with where its value came from.
    pub fn print(&self) -> String {
        let mut out = String::new();
        let sections: BTreeMap<String, Dict> = self.figment.extract().unwrap_or_default();
        for (section, keys) in sections {
            out.push_str(&format!("[{section}]\n"));
            for (key, value) in keys {
                let source = self.figment.find_metadata(&format!("{section}.{key}"));
                let source = source.map_or_else(String::new, |source| source.name.to_string());
                out.push_str(&format!("{key} = {}  # {source}\n", literal(&value)));
            }
            out.push('\n');
        }
        out
    }
}

/// A value as TOML writes it.
fn literal(value: &Value) -> String {
    match value {
        Value::String(_, text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Bool(_, on) => on.to_string(),
        Value::Num(_, number) => number.to_i128().map_or_else(
            || number.to_u128().map_or_else(|| number.to_f64().unwrap_or(f64::NAN).to_string(), |n| n.to_string()),
            |n| n.to_string(),
        ),
        _ => "\"\"".to_owned(),
    }
}

/// One source: its name for people and its keys by section.
#[derive(Clone)]
struct Layer {
    name: String,
    sections: Dict,
}

impl Layer {
    fn of_toml(name: &str, text: &str) -> Result<Layer, String> {
        let data = Toml::string(text).data().map_err(|error| format!("{name}: {}", sentence(&error)))?;
        let sections = data.into_values().next().unwrap_or_default();
        Ok(Layer { name: name.to_owned(), sections })
    }

    /// Refuses a section or key that the defaults do not have.
    fn check_keys(&self, known: &Layer) -> Result<(), String> {
        for (section, keys) in &self.sections {
            let Some(known_keys) = known.section(section) else {
                let near = suggest::nearest(section, known.sections.keys().map(String::as_str));
                return Err(unknown(&self.name, &format!("[{section}]"), near.map(|name| format!("[{name}]"))));
            };
            let Some(keys) = keys.as_dict() else {
                return Err(format!("{}: {section} is a section and holds keys, not a value", self.name));
            };
            if let Some(key) = keys.keys().find(|key| !known_keys.contains_key(*key)) {
                let near = suggest::nearest(key, known_keys.keys().map(String::as_str));
                let near = near.map(|name| format!("{section}.{name}"));
                return Err(unknown(&self.name, &format!("{section}.{key}"), near));
            }
        }
        Ok(())
    }

    fn section(&self, name: &str) -> Option<&Dict> {
        self.sections.get(name)?.as_dict()
    }

    /// Adds `section.key`. A value whose default is text stays text, even if it looks like a number.
    fn set(&mut self, section: &str, key: &str, text: &str, defaults: &Layer) {
        let is_text = defaults.section(section).and_then(|keys| keys.get(key)).is_some_and(|v| v.as_str().is_some());
        let value = if is_text { Value::from(text) } else { text.parse().unwrap_or_else(|_| Value::from(text)) };
        let keys = self.sections.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
        if let Value::Dict(_, keys) = keys {
            keys.insert(key.to_owned(), value);
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.sections.clone()))
    }
}

fn file(sources: &Sources) -> Result<Option<Layer>, String> {
    let path = match &sources.file {
        Some(path) => path.as_path(),
        None if Path::new(FILE).is_file() => Path::new(FILE),
        None => return Ok(None),
    };
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Layer::of_toml(&path.display().to_string(), &text).map(Some)
}

/// `ROLLCALL_SECTION__KEY`; a name without `__` is not a setting, so that other things may be named so.
fn environment(sources: &Sources, defaults: &Layer) -> Result<Layer, String> {
    let mut layer = Layer { name: "environment".to_owned(), sections: Dict::new() };
    for (name, value) in &sources.environment {
        let Some((section, key)) = name.strip_prefix(ENVIRONMENT).and_then(|rest| rest.split_once("__")) else {
            continue;
        };
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        if defaults.section(&section).is_none_or(|keys| !keys.contains_key(&key)) {
            let known = defaults.sections.keys().flat_map(|section| {
                let keys = defaults.section(section).into_iter().flat_map(Dict::keys);
                keys.map(move |key| format!("{ENVIRONMENT}{}__{}", section.to_uppercase(), key.to_uppercase()))
            });
            let known: Vec<String> = known.collect();
            let near = suggest::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            return Err(unknown("environment", name, near));
        }
        layer.set(&section, &key, value, defaults);
    }
    Ok(layer)
}

fn flags(sources: &Sources, defaults: &Layer) -> Result<Layer, String> {
    let mut layer = Layer { name: "flag".to_owned(), sections: Dict::new() };
    for (name, value) in &sources.flags {
        if let Some((section, key)) = name.split_once('.') {
            layer.set(section, key, value, defaults);
        }
    }
    Ok(layer)
}

fn unknown(source: &str, name: &str, near: Option<String>) -> String {
    let near = near.map_or_else(String::new, |near| format!(" Did you mean {near}?"));
    format!("{source}: there is no setting {name}.{near}")
}

/// figment's error in one sentence with the key and its source.
fn sentence(error: &figment::Error) -> String {
    let key = error.path.join(".");
    let source = error.metadata.as_ref().map_or_else(String::new, |source| format!("{}: ", source.name));
    let at = if key.is_empty() { String::new() } else { format!("{key}: ") };
    format!("{source}{at}{}", error.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> Result<Loaded, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&Sources { file: Some(path), ..Sources::default() })
    }

    fn with_environment(pairs: &[(&str, &str)]) -> Result<Loaded, String> {
        let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::load(&Sources { environment, ..Sources::default() })
    }

    /// No field has a default in code and unknown keys are refused, so reading proves that both name the same keys.
    #[test]
    fn the_file_names_every_setting_and_no_other() {
        let config = Config::defaults().unwrap();
        assert_eq!((config.engine.page_max, config.engine.window_max), (100, 2500));
        config.check().unwrap();
        let all = Layer::of_toml("default", DEFAULTS).unwrap();
        for section in all.sections.keys() {
            for key in all.section(section).unwrap().keys() {
                let mut less = all.clone();
                let Some(Value::Dict(_, keys)) = less.sections.get_mut(section) else { panic!() };
                keys.remove(key);
                let read: Result<Config, _> = Figment::from(less).extract();
                assert!(read.is_err(), "{section}.{key} has a second default in code");
            }
        }
    }

    #[test]
    fn every_key_is_explained() {
        let mut explained = false;
        for line in DEFAULTS.lines() {
            match line.chars().next() {
                Some('#') => explained = true,
                Some('[') | None => explained = false,
                Some(_) => assert!(explained, "no comment above {line}"),
            }
        }
    }

    #[test]
    fn later_sources_win_and_each_value_tells_where_it_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "[engine]\npage_default = 10\npage_max = 20\n[log]\nlevel = \"warn\"\n").unwrap();
        let loaded = Config::load(&Sources {
            file: Some(path),
            environment: vec![
                ("ROLLCALL_ENGINE__PAGE_MAX".into(), "30".into()),
                ("ROLLCALL_STORE__FOLDER".into(), "2024".into()),
                ("ROLLCALL_TEST_ROUNDS".into(), "7".into()),
                ("HOME".into(), "/".into()),
            ],
            flags: vec![("log.level", "debug".into())],
        })
        .unwrap();
        let config = &loaded.config;
        assert_eq!((config.engine.page_default, config.engine.page_max), (10, 30));
        assert_eq!(config.store.folder, Path::new("2024"));
        assert_eq!(config.log.level, "debug");
        let print = loaded.print();
        assert!(print.contains("page_max = 30  # environment\n"), "{print}");
        assert!(print.contains("level = \"debug\"  # flag\n"), "{print}");
        assert!(print.contains("window_max = 2500  # default\n"), "{print}");
        assert!(print.contains("mine.toml\n"), "{print}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_one_and_its_source() {
        let error = with_file("[engine]\npage_maxx = 3\n").unwrap_err();
        assert!(error.contains("mine.toml") && error.contains("engine.page_maxx"), "{error}");
        assert!(error.contains("Did you mean engine.page_max?"), "{error}");
        let error = with_file("[htpp]\nbind = \"x\"\n").unwrap_err();
        assert!(error.contains("Did you mean [http]?"), "{error}");
        let error = with_environment(&[("ROLLCALL_HTTP__BINDD", "x")]).unwrap_err();
        assert!(error.contains("ROLLCALL_HTTP__BINDD. Did you mean ROLLCALL_HTTP__BIND?"), "{error}");
        let error = with_file("depth_max = 3\n").unwrap_err();
        assert!(error.contains("depth_max"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_refused_with_key_and_source() {
        let error = with_environment(&[("ROLLCALL_ENGINE__DEPTH_MAX", "deep")]).unwrap_err();
        assert!(error.contains("environment") && error.contains("engine.depth_max"), "{error}");
        let error = with_file("[engine]\npage_default = 0\n").unwrap_err();
        assert!(error.contains("engine.page_default"), "{error}");
        assert!(with_file("[engine]\npage_default = 101\n").is_err());
        assert!(with_file("[log]\nformat = \"xml\"\n").is_err());
        assert!(with_file("[log\n").unwrap_err().contains("mine.toml"));
        let missing = Sources { file: Some("no/such.toml".into()), ..Sources::default() };
        assert!(Config::load(&missing).unwrap_err().contains("no/such.toml"));
    }
}
