//! Memory limits, spilling and full disks.

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use kernel_relational::{
    Database, Limits, Location, Query, QueryInput, QueryRows, RelationalError,
};
use support::{Folder, library};

const ROWS: i64 = 4_000_000;

/// The largest and smallest value and the row count of a sort that needs far more memory than it may have.
fn sort_with(temp_directory: Option<PathBuf>) -> Result<(i64, i64, usize), RelationalError> {
    let limits = Limits {
        threads: 2,
        memory_bytes: 48 << 20,
        temp_directory,
    };
    let database = Database::open(library(), Location::Memory, limits)?;
    let batches: Vec<RecordBatch> = (0..ROWS)
        .step_by(50_000)
        .map(|start| {
            let scattered = |row: i64| (row * 2_654_435_761) % ROWS;
            let values = Int64Array::from_iter_values((start..start + 50_000).map(scattered));
            RecordBatch::try_from_iter([
                ("a", Arc::new(values.clone()) as ArrayRef),
                ("b", Arc::new(values)),
            ])
            .unwrap()
        })
        .collect();
    let input = QueryInput {
        name: "input".to_string(),
        schema: batches[0].schema(),
        rows: QueryRows::Batches(batches),
    };
    let query = Query::run(
        &database,
        vec![input],
        "SELECT a, b FROM input ORDER BY b",
        Arc::new(|| false),
    )?;
    let (mut first, mut last, mut rows) = (None, i64::MIN, 0);
    for batch in query {
        let batch = batch?;
        for value in batch
            .column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap()
            .values()
        {
            assert!(*value >= last, "{value} after {last}");
            first.get_or_insert(*value);
            last = *value;
        }
        rows += batch.num_rows();
    }
    Ok((first.unwrap_or_default(), last, rows))
}

#[test]
fn a_large_sort_spills_to_the_temporary_directory() {
    let folder = Folder::new("spill");
    let (first, last, rows) = sort_with(Some(folder.join("spill"))).unwrap();
    assert_eq!((first, last, rows as i64), (0, ROWS - 1, ROWS));
}

#[test]
fn without_a_temporary_directory_it_is_an_error_and_no_crash() {
    let error = sort_with(None).unwrap_err();
    assert!(
        matches!(error, RelationalError::MemoryLimit { .. }),
        "{error}"
    );
}
