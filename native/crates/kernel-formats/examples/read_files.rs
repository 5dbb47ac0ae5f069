//! Times the reading of many Parquet files: `read_files COLUMNS REPEATS FILE…`, COLUMNS being names with commas between them.
//!
//! Prints `{"seconds", "rows", "batches"}`, seconds being the minimum of the repeats.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use kernel_formats::{FilesItem, FilesReader, InputFile, ParquetFiles};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: read_files COLUMNS REPEATS FILE…";
    let columns: Vec<String> = arguments
        .next()
        .ok_or(usage)?
        .split(',')
        .map(str::to_owned)
        .collect();
    let repeats: usize = arguments.next().ok_or(usage)?.parse()?;
    let mut paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    paths.sort();
    let file = |path: &PathBuf| InputFile {
        name: path.display().to_string(),
        input: path.into(),
        constants: Vec::new(),
    };
    let (mut best, mut rows, mut batches) = (f64::INFINITY, 0, 0);
    for _ in 0..repeats.max(1) {
        let begin = Instant::now();
        let files = paths.iter().map(file).collect();
        let mut reader = FilesReader::start(ParquetFiles::default(), files, None, Some(&columns))?;
        (rows, batches) = (0, 0);
        while let Some(item) = reader.next(&|| false) {
            match item? {
                FilesItem::Rows(batch) => rows += batch.num_rows(),
                FilesItem::Invalid { error, .. } => return Err(error.into()),
            }
            batches += 1;
        }
        best = best.min(begin.elapsed().as_secs_f64());
    }
    println!(r#"{{"seconds": {best:.4}, "rows": {rows}, "batches": {batches}}}"#);
    Ok(())
}
