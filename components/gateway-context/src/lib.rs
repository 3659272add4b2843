//! Front desk: index, health of the whole, metrics, the catalogue of problems.
