//! Times one scenario on points that the scikit-learn peer (`apps/bench/peers/cluster.py`) has written, and prints JSON.
//!
//! `bench SCENARIO --points FILE [--repeats N]`. FILE holds two columns of little-endian float64, one after the other;
//! the silhouette scenarios also read FILE.labels, one little-endian int32 per row. Seconds are the least of the repeats
//! and cover everything from column slices to the result.

use std::{env, error::Error, fs, time::Instant};

use kernel_cluster::{
    KMeansParams, Points, SelectKParams, SilhouetteParams, kmeans, select_k, silhouette,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let scenario = arguments
        .first()
        .ok_or("name a scenario: kmeans-1m, sweep-20k, silhouette-40k, silhouette-100k")?;
    let option = |name: &str| {
        arguments
            .iter()
            .position(|argument| argument == name)
            .and_then(|at| arguments.get(at + 1))
            .cloned()
    };
    let file = option("--points").ok_or("name the file of points: --points FILE")?;
    let repeats = option("--repeats").map_or(Ok(3), |repeats| repeats.parse::<usize>())?;
    let columns: Vec<f64> = fs::read(&file)?
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f64::from_le_bytes(*bytes))
        .collect();
    let (x, y) = columns.split_at(columns.len() / 2);
    let mut seconds = f64::INFINITY;
    let mut quality = String::new();
    for _ in 0..repeats {
        let started = Instant::now();
        quality = match scenario.as_str() {
            "kmeans-1m" => fit(x, y)?,
            "sweep-20k" => sweep(x, y)?,
            "silhouette-40k" | "silhouette-100k" => score(x, y, &format!("{file}.labels"))?,
            _ => return Err(format!("no scenario {scenario}").into()),
        };
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    println!(
        "{{\"scenario\":\"{scenario}\",\"rows\":{},\"seconds\":{seconds:.4},{quality}}}",
        x.len()
    );
    Ok(())
}

fn fit(x: &[f64], y: &[f64]) -> Result<String, Box<dyn Error>> {
    let points = Points::from_columns(&[x, y])?;
    let params = KMeansParams {
        cluster_count: 12,
        seed: 60,
        ..KMeansParams::default()
    };
    let fit = kmeans(&points, &params, &|| false)?;
    Ok(format!(
        "\"inertia\":{},\"iterations\":{}",
        fit.inertia, fit.iterations
    ))
}

fn sweep(x: &[f64], y: &[f64]) -> Result<String, Box<dyn Error>> {
    let points = Points::from_columns(&[x, y])?;
    let params = SelectKParams {
        cluster_counts: (1..=23).collect(),
        seed: 60,
        ..SelectKParams::default()
    };
    let scores = select_k(&points, &params, &|| false)?;
    let inertias: Vec<f64> = scores.iter().map(|score| score.inertia).collect();
    let silhouettes: Vec<f64> = scores.iter().filter_map(|score| score.silhouette).collect();
    let best = scores.iter().find(|score| score.best).map(|score| score.k);
    Ok(format!(
        "\"inertia\":{inertias:?},\"silhouette\":{silhouettes:?},\"best\":{}",
        best.unwrap_or(0)
    ))
}

fn score(x: &[f64], y: &[f64], labels_file: &str) -> Result<String, Box<dyn Error>> {
    let bytes = fs::read(labels_file)?;
    let labels: Vec<i32> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|bytes| i32::from_le_bytes(*bytes))
        .collect();
    let points = Points::from_columns(&[x, y])?;
    let result = silhouette(&points, &labels, &SilhouetteParams::default(), &|| false)?;
    Ok(format!("\"silhouette\":{}", result.score))
}
