//! Damaged, cut off and lying files: an error or other values, never a panic and never a large allocation.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{fixture, granules};
use kernel_netcdf::{GlmParams, GlmTable, NetcdfError, NetcdfParams, decode_glm, decode_netcdf};

/// The system's allocator, remembering the largest request.
struct Watching;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Watching = Watching;

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// More than any single request that these files justify, and far less than what they may claim.
const ALLOCATION_MAX: usize = 300 << 20;

/// A small generator of the same numbers every time (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Decodes everything from the bytes; true when all of it succeeded. Panics of the decoder fail the test.
fn decodes(bytes: &[u8]) -> bool {
    let mut all = true;
    let mut note = |error: Option<NetcdfError>| {
        if let Some(error) = error {
            assert_ne!(error.code(), "decoder-failed", "{error}");
            assert!(!error.to_string().is_empty());
            all = false;
        }
    };
    for table in GlmTable::ALL {
        note(
            decode_glm(
                bytes,
                "f",
                &GlmParams {
                    table,
                    ..GlmParams::default()
                },
            )
            .err(),
        );
    }
    for dimension in ["number_of_events", "time", "phony_dim_0"] {
        let params = NetcdfParams {
            dimension: Some(dimension.to_owned()),
            ..NetcdfParams::default()
        };
        note(
            decode_netcdf(bytes, "f", &params)
                .err()
                .filter(|error| error.code() != "missing-dimension"),
        );
    }
    all
}

fn seeds() -> Vec<Vec<u8>> {
    let smallest = std::fs::read(&granules()[6]).unwrap();
    let fixtures = ["repacked.nc", "fills.nc", "earliest.nc", "cf.nc"].map(fixture);
    [vec![smallest], fixtures.to_vec()].concat()
}

#[test]
fn thousands_of_mutations_neither_panic_nor_allocate_much() {
    let mut random = Random(0x5fe1_1c00_5eed);
    let (mut decoded, mut refused) = (0, 0);
    for seed in seeds() {
        for _ in 0..700 {
            let mut bytes = seed.clone();
            for _ in 0..=random.below(8) {
                mutate(&mut bytes, &mut random);
            }
            if decodes(&bytes) {
                decoded += 1
            } else {
                refused += 1
            }
        }
    }
    assert!(
        decoded > 10 && refused > 1_000,
        "{decoded} decoded, {refused} refused"
    );
    assert!(
        LARGEST.load(Ordering::Relaxed) < ALLOCATION_MAX,
        "{} bytes in one request",
        LARGEST.load(Ordering::Relaxed)
    );
}

/// One damage: a flipped bit, an extreme byte, a number replaced, a piece copied over another, or a shorter file.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const EXTREMES: [u64; 6] = [0, 1, 0x7fff_ffff, 0xffff_ffff, u64::MAX - 1, u64::MAX];
    if bytes.len() < 64 {
        return;
    }
    // Most structure is at the begin of a file, or in one half.
    let end = if random.below(2) == 0 {
        bytes.len()
    } else {
        bytes.len().min(16_384)
    };
    let at = random.below(end - 32);
    match random.below(20) {
        0..8 => bytes[at] ^= 1 << random.below(8),
        8..12 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
        12..16 => {
            let size = [2, 4, 8][random.below(3)];
            let value = EXTREMES[random.below(EXTREMES.len())].to_le_bytes();
            bytes[at..at + size].copy_from_slice(&value[..size]);
        }
        16..19 => {
            let from = random.below(bytes.len() - 32);
            bytes.copy_within(from..from + 1 + random.below(31), at);
        }
        _ => bytes.truncate(random.below(bytes.len())),
    }
}

#[test]
fn every_cut_off_granule_is_refused() {
    let whole = std::fs::read(&granules()[6]).unwrap();
    assert!(decodes(&whole));
    for length in (0..whole.len()).step_by(997) {
        let error = decode_glm(&whole[..length], "f", &GlmParams::default()).unwrap_err();
        assert!(
            ["truncated", "not-hdf5"].contains(&error.code()),
            "{length} bytes: {error}"
        );
    }
}

#[test]
fn what_is_no_hdf5_is_told() {
    for bytes in [&b""[..], b"\x89HDF", b"CDF\x01\0\0\0\0", &[0; 100_000]] {
        let error = decode_glm(bytes, "f", &GlmParams::default()).unwrap_err();
        assert_eq!(error.code(), "not-hdf5", "{} bytes: {error}", bytes.len());
    }
}

#[test]
fn damage_to_metadata_is_found_by_its_checksum() {
    let mut bytes = std::fs::read(&granules()[6]).unwrap();
    let units = b"degrees_north";
    for at in 0..bytes.len() - units.len() {
        if bytes[at..].starts_with(units) {
            bytes[at] ^= 0x20;
        }
    }
    let error = decode_glm(&bytes, "f", &GlmParams::default()).unwrap_err();
    assert_eq!(error.code(), "checksum", "{error}");
    assert!(
        error.offset().is_some() && error.variable().is_some(),
        "{error}"
    );
}
