//! Any bytes as a GLM granule, all three tables.

use kernel_netcdf::{GlmParams, GlmTable, Longitude, decode_glm_tables};

/// Decodes `bytes`. Panics on a finding.
pub fn decode(bytes: &[u8]) {
    let longitude = if bytes.len().is_multiple_of(2) {
        Longitude::Wrapped
    } else {
        Longitude::Unwrapped
    };
    for table in GlmTable::ALL {
        let params = GlmParams {
            table,
            longitude,
            ..GlmParams::default()
        };
        let _ = decode_glm_tables(bytes, "fuzz.nc", &[params]);
    }
}
