//! The filter as a whole: what it accepts, what it refuses, what it means, and that the index agrees.

mod agreement;
mod clock;
mod errors;
mod meaning;
mod plans;
mod world;
