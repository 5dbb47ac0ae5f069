//! The allocator of the whole addon.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// Decoding makes many short-lived buffers: all tables of a granule take half the time they take with glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h, which the crate does not name.
const PURGE_DELAY: mi_option_t = 15;

/// How long memory that nothing uses is kept for the next who wants some. After a second, as mimalloc has it, is no faster, and
/// a million messages from Kafka to Delta Lake take 60 MiB more.
const PURGE_DELAY_MS: c_long = 10;

#[napi_derive::module_init]
fn give_back_soon() {
    // SAFETY: sets a number, while the addon is loaded and has no other thread.
    unsafe { mi_option_set(PURGE_DELAY, PURGE_DELAY_MS) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another version of mimalloc may number its options in another way.
    #[test]
    fn the_option_is_the_one_that_is_a_second() {
        // SAFETY: reads a number.
        assert_eq!(unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) }, 1000);
    }
}
