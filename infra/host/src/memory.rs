//! Keeps the memory of the start from staying: compiling and unpacking components takes hundreds of megabytes, which
//! the allocator would hold until something asks it for memory again.

use libmimalloc_sys::{mi_collect, mi_option_set, mi_option_t};

/// `mi_option_purge_delay`, which the bindings do not name: milliseconds until free memory goes back to the system.
const PURGE_DELAY: mi_option_t = 15;
/// Its default.
const DEFAULT_DELAY_MS: core::ffi::c_long = 10;

/// From here on free memory goes back to the system at once.
pub fn keep_nothing() {
    #[expect(unsafe_code, reason = "the allocator's C library; an option by its number and a value")]
    // SAFETY: mi_option_set may be called at any time from any thread.
    unsafe {
        mi_option_set(PURGE_DELAY, 0);
    }
}

/// From here on free memory stays a moment for the next request, as is quicker; what is free now goes back.
pub fn keep_what_requests_free() {
    #[expect(unsafe_code, reason = "the allocator's C library; an option by its number and a value")]
    // SAFETY: both may be called at any time from any thread.
    unsafe {
        mi_collect(true);
        mi_option_set(PURGE_DELAY, DEFAULT_DELAY_MS);
    }
}
