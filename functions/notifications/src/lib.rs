//! Inbox over HTTP.
