//! A Redis server for tests.
