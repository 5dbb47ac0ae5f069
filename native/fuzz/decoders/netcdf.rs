//! Any bytes as a CF file: the schema, the table of the default dimension, and some constants.

use kernel_netcdf::{NetcdfParams, decode_netcdf, netcdf_schema};

/// Decodes `bytes`. Panics on a finding.
pub fn decode(bytes: &[u8]) {
    let dimension = Some("time".to_owned());
    let constants = ["station", "title", "file"].map(str::to_owned).to_vec();
    for params in [
        NetcdfParams::default(),
        NetcdfParams {
            dimension,
            ..NetcdfParams::default()
        },
        NetcdfParams {
            constants,
            ..NetcdfParams::default()
        },
    ] {
        let schema = netcdf_schema(bytes, &params);
        let batch = decode_netcdf(bytes, "fuzz.nc", &params);
        if let (Ok(schema), Ok(batch)) = (schema, batch) {
            assert_eq!(schema, batch.schema());
        }
    }
}
