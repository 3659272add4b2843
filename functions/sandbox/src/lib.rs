//! Development only: card acquirer with scripted outcomes, mailbox.
