//! Times the reading of text files: `read_text csv|lines|array REPEATS FILE…`, the last two being layouts of JSON. The
//! schema is inferred from the first file.
//!
//! Prints `{"seconds", "rows", "invalid", "bytes", "mbPerSecond"}`, seconds being the minimum of the repeats and bytes
//! those on the disk.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use kernel_formats::{
    CsvFiles, FilesItem, FilesReader, InputFile, JsonFilesReader, JsonLayout, JsonReadParams,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: read_text csv|lines|array REPEATS FILE…";
    let format = arguments.next().ok_or(usage)?;
    let repeats: usize = arguments.next().ok_or(usage)?.parse()?;
    let mut paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    paths.sort();
    let mut bytes = 0;
    for path in &paths {
        bytes += path.metadata()?.len();
    }
    let (mut best, mut rows, mut invalid) = (f64::INFINITY, 0, 0);
    for _ in 0..repeats.max(1) {
        let begin = Instant::now();
        (rows, invalid) = read(&format, &paths)?;
        best = best.min(begin.elapsed().as_secs_f64());
    }
    let speed = bytes as f64 / 1e6 / best;
    println!(
        r#"{{"seconds": {best:.4}, "rows": {rows}, "invalid": {invalid}, "bytes": {bytes}, "mbPerSecond": {speed:.0}}}"#
    );
    Ok(())
}

fn read(format: &str, paths: &[PathBuf]) -> Result<(usize, usize), Box<dyn Error>> {
    let file = |path: &PathBuf| InputFile {
        name: path.display().to_string(),
        input: path.into(),
        constants: Vec::new(),
    };
    let files = paths.iter().map(file).collect();
    if format == "csv" {
        let mut reader = FilesReader::start(CsvFiles::default(), files, None, None)?;
        return count(|| reader.next(&|| false));
    }
    let layout = match format {
        "lines" => JsonLayout::Lines,
        "array" => JsonLayout::Array,
        other => return Err(format!("{other:?} is none of csv, lines, array").into()),
    };
    let params = JsonReadParams {
        layout,
        ..JsonReadParams::default()
    };
    let mut reader = JsonFilesReader::start(params, files, None, None)?;
    count(|| reader.next(&|| false))
}

fn count(
    mut next: impl FnMut() -> Option<kernel_formats::Result<FilesItem>>,
) -> Result<(usize, usize), Box<dyn Error>> {
    let (mut rows, mut invalid) = (0, 0);
    while let Some(item) = next() {
        match item? {
            FilesItem::Rows(batch) => rows += batch.num_rows(),
            FilesItem::Invalid { .. } => invalid += 1,
        }
    }
    Ok((rows, invalid))
}
