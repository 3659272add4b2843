//! Events to messages.
