//! Contract suite of the records port.
