//! Component, end-to-end and fault tests of the whole system.
