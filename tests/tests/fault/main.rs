//! Faults: what is killed, cut, doubled and reordered, and what must hold all the same. One program, so that tests which mostly
//! wait do so side by side.

mod chaos;
mod events;
mod kill;
mod leaving;
mod live;
mod money;
mod rebuild;
