//! owner: store
