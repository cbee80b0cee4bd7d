//! Consumers that go wrong where two things change places, for tests that explore and that tell.

mod dead_letters;
mod revocation;

pub(crate) use dead_letters::ignores_its_dead_letters;
pub(crate) use revocation::settles_what_it_holds;
