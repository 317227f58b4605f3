//! The sources of channels, numbered as they come: the codes of the `source` facet.

use std::collections::BTreeMap;

use super::bytes;
use crate::contact::{Catalog, ChannelId};

/// Names of sources by code, and each channel's code.
#[derive(Default)]
pub struct Sources {
    names: Vec<String>,
    of_channel: BTreeMap<ChannelId, u32>,
}

impl Sources {
    /// The code of a source.
    pub fn code(&self, source: &str) -> Option<u32> {
        self.names.iter().position(|name| name == source).map(|at| at as u32)
    }

    /// The source of a code.
    pub fn name(&self, code: u32) -> Option<&str> {
        self.names.get(code as usize).map(String::as_str)
    }

    /// The code of a channel's source; of a channel not seen before as the catalog has it.
    pub fn of_channel(&mut self, channel: ChannelId, catalog: &Catalog) -> Option<u32> {
        if let Some(&code) = self.of_channel.get(&channel) {
            return Some(code);
        }
        let code = self.intern(&catalog.channels.get(&channel)?.source);
        self.of_channel.insert(channel, code);
        Some(code)
    }

    /// The codes of channels, ascending, each once.
    pub fn of_channels(&self, channels: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut codes: Vec<u32> =
            channels.filter_map(|channel| self.of_channel.get(&ChannelId(channel)).copied()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// Takes the catalog's channels; those whose source was another or unknown.
    pub fn define(&mut self, catalog: &Catalog) -> Vec<ChannelId> {
        let mut moved = Vec::new();
        for (&channel, defined) in &catalog.channels {
            let code = self.intern(&defined.source);
            if self.of_channel.insert(channel, code) != Some(code) {
                moved.push(channel);
            }
        }
        moved
    }

    fn intern(&mut self, source: &str) -> u32 {
        self.code(source).unwrap_or_else(|| {
            self.names.push(source.to_owned());
            self.names.len() as u32 - 1
        })
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        bytes::put_u64(out, self.names.len() as u64);
        self.names.iter().for_each(|name| bytes::put_bytes(out, name.as_bytes()));
        bytes::put_u64(out, self.of_channel.len() as u64);
        for (channel, &code) in &self.of_channel {
            bytes::put_u32(out, channel.0);
            bytes::put_u32(out, code);
        }
    }

    pub fn read(from: &mut &[u8]) -> Option<Sources> {
        let mut sources = Sources::default();
        for _ in 0..bytes::take_u64(from)? {
            sources.names.push(bytes::take_text(from)?);
        }
        for _ in 0..bytes::take_u64(from)? {
            sources.of_channel.insert(ChannelId(bytes::take_u32(from)?), bytes::take_u32(from)?);
        }
        Some(sources)
    }
}
