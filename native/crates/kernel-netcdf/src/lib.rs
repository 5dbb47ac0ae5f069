//! HDF5 and NetCDF-4 bytes to Arrow record batches.
//!
//! - [`decode_glm`]: the tables of the GOES-R Geostationary Lightning Mapper product (flashes, groups, events).
//! - [`decode_netcdf`]: any CF file, as the table of the variables along one of its dimensions.
//!
//! Both take the bytes of one file; [`decode_glm_files`] and [`decode_netcdf_files`] take many, one per task on the
//! rayon pool. Nothing is shared between files. Scale, offset, fill value, signedness and units come from the file.
//! Hostile input gives a [`NetcdfError`]: bounds ([`Limits`]) hold before allocation, and a panic is contained.
//!
//! Layout: `glm` and `netcdf` decide what a table is, `cf` turns stored numbers into columns, `container` is what they
//! see of a file, `hdf5` reads it.

mod cf;
mod container;
mod error;
mod files;
mod glm;
mod hdf5;
mod limits;
mod netcdf;
mod table;

pub use error::{NetcdfError, Result};
pub use files::{Content, decode_glm_files, decode_netcdf_files};
pub use glm::{GlmParams, GlmTable, Longitude, decode_glm, decode_glm_tables, glm_schema};
pub use limits::Limits;
pub use netcdf::{NetcdfParams, decode_netcdf, netcdf_schema};
