//! What enters a fingerprint makes a difference, and a new name for the same thing makes none.
