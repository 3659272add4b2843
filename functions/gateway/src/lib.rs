//! Front desk: index, health of the whole, metrics.
