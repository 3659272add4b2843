//! Read models over HTTP.
