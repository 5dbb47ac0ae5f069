//! Our own encoder for columns of numbers, instants and strings that are not nested.
//!
//! Faster than the general encoder because a whole column of a row group is at hand: the encoding is
//! chosen once from a sample, and every loop runs over slices of one type. Nested columns and the
//! remaining types go to the general encoder.
//!
//! Source: Apache Parquet format 2.11, "Encodings" and "Data Pages". Only encodings that Spark,
//! DuckDB, Polars and pyarrow all read are used: PLAIN, RLE_DICTIONARY and, for integers,
//! DELTA_BINARY_PACKED, in data pages of version 1.

mod bit_packing;
mod choice;
mod chunk;
mod codec;
mod delta;
mod dictionary;
mod fixed;
mod levels;
mod strings;
mod value;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescPtr;

use value::FlatValue;

/// Rows in a page: 256 KiB of 8-byte values, which zstd compresses faster than larger pieces.
const PAGE_ROWS: usize = 1 << 15;

/// A column chunk: its pages, and what the footer says about them, with offsets from its start.
pub(crate) struct FlatChunk {
    pub(crate) pages: Bytes,
    pub(crate) close: ColumnCloseResult,
}

/// Whether [`encode`] takes columns of this type.
pub(crate) fn is_flat(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int32
            | DataType::Int64
            | DataType::UInt32
            | DataType::UInt64
            | DataType::Float32
            | DataType::Float64
            | DataType::Date32
            | DataType::Timestamp(
                TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond,
                _
            )
            | DataType::Utf8
            | DataType::LargeUtf8
    )
}

/// Encodes one column of a row group.
///
/// Memory: the encoded chunk, the dictionary and one index per row.
pub(crate) fn encode(
    column: &ColumnDescPtr,
    array: &ArrayRef,
    codec: Compression,
) -> Result<FlatChunk> {
    use DataType as Type;
    match array.data_type() {
        Type::Int32 => fixed::<Int32Type>(column, array, codec),
        Type::Int64 => fixed::<Int64Type>(column, array, codec),
        Type::UInt32 => fixed::<UInt32Type>(column, array, codec),
        Type::UInt64 => fixed::<UInt64Type>(column, array, codec),
        Type::Float32 => fixed::<Float32Type>(column, array, codec),
        Type::Float64 => fixed::<Float64Type>(column, array, codec),
        Type::Date32 => fixed::<Date32Type>(column, array, codec),
        Type::Timestamp(TimeUnit::Millisecond, _) => {
            fixed::<TimestampMillisecondType>(column, array, codec)
        }
        Type::Timestamp(TimeUnit::Microsecond, _) => {
            fixed::<TimestampMicrosecondType>(column, array, codec)
        }
        Type::Timestamp(TimeUnit::Nanosecond, _) => {
            fixed::<TimestampNanosecondType>(column, array, codec)
        }
        Type::Utf8 => strings::encode(column, array.as_string::<i32>(), codec),
        Type::LargeUtf8 => strings::encode(column, array.as_string::<i64>(), codec),
        other => Err(ParquetError::NYI(format!("{other} is not a flat type"))),
    }
}

fn fixed<T>(column: &ColumnDescPtr, array: &ArrayRef, codec: Compression) -> Result<FlatChunk>
where
    T: ArrowPrimitiveType,
    T::Native: FlatValue,
{
    let array = array.as_primitive::<T>();
    fixed::encode(column, array.values(), array.nulls(), codec)
}

/// The pages of a column: rows `start..end` of the array, which are values `values` of those not null.
#[derive(Debug, Clone)]
struct PageRange {
    rows: std::ops::Range<usize>,
    values: std::ops::Range<usize>,
}
