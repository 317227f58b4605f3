//! The table of operators. One file per operator; one line here registers it. (owner: filter)
