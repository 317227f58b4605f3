//! Which structure of the index serves which field. (owner: index)
