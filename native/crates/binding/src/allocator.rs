//! The allocator of the whole addon.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_get, mi_option_set, mi_option_t};

/// Decoding makes many short-lived buffers: all tables of a granule take half the time they take with glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h, which the crate does not name.
const PURGE_DELAY: mi_option_t = 15;

/// How long mimalloc keeps memory that nothing uses for the next who wants some, in milliseconds.
const KEPT_MS: c_long = 1000;
/// Less is as fast, and a million messages from Kafka to Delta Lake take 60 MiB less.
const KEPT_HERE_MS: c_long = 10;

/// Leaves alone what a variable of the environment has set, and an option that another version numbers otherwise.
#[napi_derive::module_init]
fn give_back_soon() {
    // SAFETY: reads and sets a number, while the addon is loaded and has no other thread.
    unsafe {
        if mi_option_get(PURGE_DELAY) == KEPT_MS {
            mi_option_set(PURGE_DELAY, KEPT_HERE_MS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_soon() {
        // SAFETY: reads a number.
        assert_eq!(unsafe { mi_option_get(PURGE_DELAY) }, KEPT_HERE_MS);
    }
}
