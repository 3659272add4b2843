//! Small guests of the host's own tests.
