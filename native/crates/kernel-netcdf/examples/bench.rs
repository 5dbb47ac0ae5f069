//! Milliseconds per granule, decoded in process from memory on one core.
//!
//! ```sh
//! cargo run --release -p kernel-netcdf --example bench -- ../apps/cases/data/glm
//! ```
//!
//! Every measurement decodes all files once; minimum and median over many repeats are per file.

use std::path::Path;
use std::time::Instant;

use kernel_netcdf::{GlmParams, GlmTable, decode_glm, decode_glm_tables, glm_schema};

/// As in the addon.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REPEATS: usize = 400;

fn main() {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: bench <folder with GLM files>");
        std::process::exit(2);
    };
    let files = read_files(Path::new(&folder));
    println!(
        "{} files, {} bytes",
        files.len(),
        files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
    );
    let names = [
        "flash_id",
        "flash_time",
        "flash_lat",
        "flash_lon",
        "flash_energy",
        "flash_area",
        "quality_flag",
    ];
    let seven = GlmParams {
        columns: Some(names.map(str::to_owned).to_vec()),
        ..GlmParams::default()
    };
    measure(
        "flashes: id, time, lat, lon, energy, area, quality",
        &files,
        |name, bytes| {
            decode_glm(bytes, name, &seven)
                .expect("a granule")
                .num_rows()
        },
    );
    measure("flashes: whole table", &files, |name, bytes| {
        decode_glm(bytes, name, &GlmParams::default())
            .expect("a granule")
            .num_rows()
    });
    let all = GlmTable::ALL.map(|table| GlmParams {
        table,
        ..GlmParams::default()
    });
    let variables = all.clone().map(without_constants);
    measure("all tables: every variable", &files, |name, bytes| {
        row_count(name, bytes, &variables)
    });
    measure(
        "all tables: with satellite, product start and file name",
        &files,
        |name, bytes| row_count(name, bytes, &all),
    );
}

fn row_count(name: &str, bytes: &[u8], tables: &[GlmParams]) -> usize {
    let batches = decode_glm_tables(bytes, name, tables).expect("a granule");
    batches.iter().map(|batch| batch.num_rows()).sum()
}

fn without_constants(params: GlmParams) -> GlmParams {
    const CONSTANTS: [&str; 3] = ["satellite", "product_start", "file"];
    let schema = glm_schema(params.table);
    let names = schema.fields().iter().map(|field| field.name().clone());
    let columns = Some(
        names
            .filter(|name| !CONSTANTS.contains(&name.as_str()))
            .collect(),
    );
    GlmParams { columns, ..params }
}

fn read_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let granules = paths.filter(|path| path.extension().is_some_and(|ending| ending == "nc"));
    granules
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read(&path).expect("a readable file"),
            )
        })
        .collect()
}

fn measure(what: &str, files: &[(String, Vec<u8>)], decode: impl Fn(&str, &[u8]) -> usize) {
    let mut rows = 0;
    let mut milliseconds: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            rows = files.iter().map(|(name, bytes)| decode(name, bytes)).sum();
            start.elapsed().as_secs_f64() * 1e3 / files.len() as f64
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    let (min, median) = (milliseconds[0], milliseconds[REPEATS / 2]);
    println!("{what}: min {min:.4} ms, median {median:.4} ms per file ({rows} rows in all files)");
}
