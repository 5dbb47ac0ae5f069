//! Prints how fast the crate is on this machine: `cargo run --release -p kernel-relational --example bench`. Each figure is the least of
//! several repeats, because other work on the machine only ever adds time.

#[path = "../tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{
    ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt16Array,
};
use kernel_relational::{
    Database, LedgerKey, Library, Limits, Location, Projection, Query, QueryInput, QueryRows,
    TableWrite, WriteMode, check_expression, write_table,
};

const BATCH_ROWS: usize = 65_536;

/// The flash table's columns with pseudo-random values.
fn batch(start: usize, rows: usize) -> RecordBatch {
    let noise = |row: usize| {
        (row as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(31)
            .wrapping_mul(0xBF58_476D_1CE4_E5B9)
    };
    let unit = |row: usize| (noise(row) >> 11) as f64 / (1u64 << 53) as f64;
    let range = || start..start + rows;
    let time = TimestampNanosecondArray::from_iter_values(
        range().map(|row| 1_530_504_000_000_000_000 + row as i64 * 60_000_001),
    )
    .with_timezone("UTC");
    let columns: [(&str, ArrayRef); 8] = [
        (
            "flash_id",
            Arc::new(Int64Array::from_iter_values(range().map(|row| row as i64))),
        ),
        ("flash_time", Arc::new(time)),
        (
            "flash_lat",
            Arc::new(Float32Array::from_iter_values(
                range().map(|row| unit(row) as f32 * 100.0 - 50.0),
            )),
        ),
        (
            "flash_lon",
            Arc::new(Float32Array::from_iter_values(
                range().map(|row| unit(row + 7) as f32 * 100.0 - 150.0),
            )),
        ),
        (
            "flash_energy",
            Arc::new(
                range()
                    .map(|row| (row % 50 != 0).then_some(unit(row) * 1e-12))
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "quality_flag",
            Arc::new(UInt16Array::from_iter_values(
                range().map(|row| (noise(row) % 3) as u16),
            )),
        ),
        (
            "group_id",
            Arc::new(Int32Array::from_iter_values(
                range().map(|row| (noise(row) % 1_000) as i32),
            )),
        ),
        (
            "satellite",
            Arc::new(StringArray::from_iter_values(
                range().map(|row| if row % 2 == 0 { "G16" } else { "G17 (west)" }),
            )),
        ),
    ];
    RecordBatch::try_from_iter(columns).expect("the columns have one length")
}

fn batches(rows: usize) -> Vec<RecordBatch> {
    (0..rows)
        .step_by(BATCH_ROWS)
        .map(|start| batch(start, BATCH_ROWS.min(rows - start)))
        .collect()
}

/// Seconds of the fastest of `repeats` calls.
fn fastest(
    repeats: usize,
    mut call: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let mut least = f64::INFINITY;
    for _ in 0..repeats {
        let start = Instant::now();
        call()?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least)
}

fn open(
    library: &Arc<Library>,
    location: Location,
    threads: usize,
) -> Result<Arc<Database>, Box<dyn Error>> {
    Ok(Database::open(
        Arc::clone(library),
        location,
        Limits {
            threads,
            memory_bytes: 4 << 30,
            temp_directory: None,
        },
    )?)
}

fn expressions(database: &Arc<Database>) -> Result<(), Box<dyn Error>> {
    let small = batch(0, 100);
    let large = batch(0, BATCH_ROWS);
    let schema = small.schema();
    let seconds = fastest(200, || {
        Ok(check_expression(
            database,
            &schema,
            "flash_energy > 1e-14 AND quality_flag = 0",
        )
        .map(drop)?)
    })?;
    println!(
        "check one expression                      {:8.3} ms",
        seconds * 1e3
    );
    let columns = [
        ("ts_date", "flash_time"),
        ("lat", "flash_lat"),
        ("lon", "flash_lon"),
        ("energy_j", "flash_energy * 1e15"),
        ("satellite", "upper(satellite)"),
    ];
    let filter = Some("quality_flag = 0 AND flash_energy IS NOT NULL");
    let seconds = fastest(50, || {
        Ok(Projection::prepare(database, &schema, &columns, filter).map(drop)?)
    })?;
    println!(
        "prepare a filter and five columns         {:8.3} ms",
        seconds * 1e3
    );
    let projection = Projection::prepare(database, &schema, &columns, filter)?;
    let seconds = fastest(2_000, || {
        Ok(projection.apply(&small, &|| false).map(drop)?)
    })?;
    println!(
        "apply it to 100 rows                      {:8.3} ms",
        seconds * 1e3
    );
    let seconds = fastest(100, || Ok(projection.apply(&large, &|| false).map(drop)?))?;
    println!(
        "apply it to {BATCH_ROWS} rows                    {:8.3} ms, {:.1} M rows/s",
        seconds * 1e3,
        BATCH_ROWS as f64 / seconds / 1e6
    );
    Ok(())
}

fn queries(database: &Arc<Database>, threads: usize) -> Result<(), Box<dyn Error>> {
    const ROWS: usize = 5_000_000;
    let batches = batches(ROWS);
    let cases = [
        ("sum", "SELECT sum(flash_energy) FROM flashes"),
        (
            "sum by key (1,000 groups)",
            "SELECT group_id, sum(flash_energy) FROM flashes GROUP BY 1",
        ),
        (
            "count by 30 s window and key",
            "SELECT time_bucket(INTERVAL '30 seconds', flash_time), satellite, count(*) FROM flashes GROUP BY 1, 2",
        ),
    ];
    for (name, sql) in cases {
        let seconds = fastest(5, || {
            let input = QueryInput {
                name: "flashes".to_string(),
                schema: batches[0].schema(),
                rows: QueryRows::Batches(batches.clone()),
            };
            Query::run(database, vec![input], sql, Arc::new(|| false))?
                .try_for_each(|rows| rows.map(drop))?;
            Ok(())
        })?;
        println!(
            "{name:30} {threads} thread(s)  {:8.3} s,  {:.1} M rows/s",
            seconds,
            ROWS as f64 / seconds / 1e6
        );
    }
    Ok(())
}

fn table(library: &Arc<Library>, threads: usize) -> Result<(), Box<dyn Error>> {
    const ROWS: usize = 1_000_000;
    let batches = batches(ROWS);
    let path = std::env::temp_dir().join(format!(
        "kernel-relational-bench-{}.duckdb",
        std::process::id()
    ));
    let mut closed = f64::INFINITY;
    let seconds = fastest(5, || {
        let _ = std::fs::remove_file(&path);
        let start = Instant::now();
        let database = open(library, Location::File(path.clone()), threads)?;
        let ledger = LedgerKey {
            pipeline: "bench".to_string(),
            sink: "db".to_string(),
            epoch: 0,
        };
        let write = TableWrite {
            table: "flashes".to_string(),
            ledger,
            mode: WriteMode::Append,
        };
        write_table(&database, &batches[0].schema(), &batches, &write)?;
        let written = start.elapsed().as_secs_f64();
        closed = closed.min(written);
        Ok(())
    })?;
    let bytes = std::fs::metadata(&path)?.len();
    std::fs::remove_file(&path)?;
    println!(
        "write 1 M rows x 8 columns     {threads} thread(s)  {closed:8.3} s,  {:.1} M rows/s; with close {seconds:.3} s; {:.1} MB",
        ROWS as f64 / closed / 1e6,
        bytes as f64 / 1e6
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let library = support::library();
    println!(
        "load the library                          {:8.3} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    let seconds = fastest(10, || open(&library, Location::Memory, 2).map(drop))?;
    println!(
        "open and close a database in memory       {:8.3} ms",
        seconds * 1e3
    );
    expressions(&open(&library, Location::Memory, 2)?)?;
    for threads in [1, 2] {
        queries(&open(&library, Location::Memory, threads)?, threads)?;
        table(&library, threads)?;
    }
    Ok(())
}
