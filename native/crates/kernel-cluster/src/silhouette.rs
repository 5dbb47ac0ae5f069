use crate::{
    Cancelled, ClusterError, Points, SilhouetteParams,
    distance_sums::{Cloud, Labelling, silhouettes},
    points::ABSENT,
    random::Random,
};

/// How well rows lie in their clusters, from -1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Silhouette {
    /// Mean over the scored rows.
    pub score: f64,
    /// Standard error of `score` as an estimate of the mean over all labelled rows; `None` when all were scored.
    pub standard_error: Option<f64>,
    /// One value per input row; not a number for rows without a label, left out, or not in the sample.
    pub samples: Vec<f64>,
    /// Different labels among the labelled rows.
    pub cluster_count: usize,
    /// Labelled rows with finite coordinates.
    pub row_count: usize,
}

/// Scores a clustering by Euclidean silhouettes (Rousseeuw 1987), exactly as scikit-learn's `silhouette_samples`: of a
/// row, (b - a) / max(a, b) with a the mean distance to the other rows of its cluster and b the least mean distance to
/// another cluster; 0 for a row alone in its cluster.
///
/// `labels` has one label per input row, negative for none; labels need not be consecutive. Unlike scikit-learn, a
/// clustering in which every row is alone is scored (0), not refused.
///
/// Cost: scored rows × rows × d in the worst case; clusters that cannot be the nearest other one are skipped, and equal
/// rows with equal labels count once. Memory: about 8 (d + 5) bytes per row. Beyond some 200,000 distinct rows ask for
/// a `sample`.
///
/// # Errors
/// `label-count-differs`, `silhouette-needs-two-clusters`, `sample-too-small`, `cancelled`.
pub fn silhouette(
    points: &Points,
    labels: &[i32],
    params: &SilhouetteParams,
    cancelled: Cancelled,
) -> Result<Silhouette, ClusterError> {
    params.check()?;
    let expected = points.row_count();
    if labels.len() != expected {
        return Err(ClusterError::LabelCountDiffers {
            expected,
            found: labels.len(),
        });
    }
    let items = Items::new(points, labels);
    if items.cluster_count < 2 {
        return Err(ClusterError::SilhouetteNeedsTwoClusters {
            cluster_count: items.cluster_count,
        });
    }
    let cloud = Cloud {
        dimension_count: points.dimension_count(),
        coordinates: &items.coordinates,
        weights: &items.weights,
    };
    let sample = Sample::draw(&items.item_of_row, params);
    let labelling = Labelling::new(&cloud, &items.labels, items.cluster_count);
    let scores = silhouettes(&cloud, vec![labelling], &sample.items, cancelled)?.remove(0);
    let (score, standard_error) = sample.summarize(&scores);
    Ok(Silhouette {
        score,
        standard_error,
        samples: sample.spread(&scores, &items.item_of_row),
        cluster_count: items.cluster_count,
        row_count: items.row_count,
    })
}

/// Labelled rows, merged where both place and label are equal, ordered by label and then by place.
struct Items {
    coordinates: Vec<f64>,
    weights: Vec<f64>,
    /// 0..`cluster_count`, in the order of the caller's labels.
    labels: Vec<u32>,
    cluster_count: usize,
    row_count: usize,
    /// The item of every input row, or [`ABSENT`].
    item_of_row: Vec<u32>,
}

impl Items {
    fn new(points: &Points, labels: &[i32]) -> Self {
        let mut keys: Vec<(i32, u32, u32)> = (0u32..)
            .zip(labels.iter().zip(points.point_of_row()))
            .filter(|(_, (label, point))| **label >= 0 && **point != ABSENT)
            .map(|(row, (label, point))| (*label, *point, row))
            .collect();
        keys.sort_unstable();
        let mut items = Self {
            coordinates: Vec::new(),
            weights: Vec::new(),
            labels: Vec::new(),
            cluster_count: 0,
            row_count: keys.len(),
            item_of_row: vec![ABSENT; labels.len()],
        };
        for cluster in keys.chunk_by(|a, b| a.0 == b.0) {
            for rows in cluster.chunk_by(|a, b| a.1 == b.1) {
                for (_, _, row) in rows {
                    items.item_of_row[*row as usize] = items.weights.len() as u32;
                }
                items
                    .coordinates
                    .extend_from_slice(points.point(rows[0].1 as usize));
                items.weights.push(rows.len() as f64);
                items.labels.push(items.cluster_count as u32);
            }
            items.cluster_count += 1;
        }
        items
    }
}

/// The items to score, each with how many scored rows it stands for.
pub(crate) struct Sample {
    pub(crate) items: Vec<u32>,
    counts: Vec<f64>,
    scored_count: usize,
    row_count: usize,
    /// Whether a row is scored; empty when all are.
    drawn: Vec<bool>,
}

impl Sample {
    /// Draws rows without replacement from those that have an item; all of them when no smaller number is asked for.
    pub(crate) fn draw(item_of_row: &[u32], params: &SilhouetteParams) -> Self {
        let mut rows: Vec<u32> = (0u32..)
            .zip(item_of_row)
            .filter(|(_, item)| **item != ABSENT)
            .map(|(row, _)| row)
            .collect();
        let row_count = rows.len();
        let mut drawn = Vec::new();
        if let Some(sample) = params.sample.filter(|sample| *sample < row_count) {
            let mut random = Random::new(params.seed, u64::MAX);
            for at in 0..sample {
                let other = at + random.below(row_count - at);
                rows.swap(at, other);
            }
            rows.truncate(sample);
            drawn = vec![false; item_of_row.len()];
            rows.iter().for_each(|row| drawn[*row as usize] = true);
        }
        let scored_count = rows.len();
        let mut items: Vec<u32> = rows
            .into_iter()
            .map(|row| item_of_row[row as usize])
            .collect();
        items.sort_unstable();
        let counts = items
            .chunk_by(|a, b| a == b)
            .map(|equal| equal.len() as f64)
            .collect();
        items.dedup();
        Self {
            items,
            counts,
            scored_count,
            row_count,
            drawn,
        }
    }

    /// Mean of the scored rows, and its standard error with the correction for a finite population.
    pub(crate) fn summarize(&self, scores: &[f64]) -> (f64, Option<f64>) {
        let scored_count = self.scored_count as f64;
        let mean = self.sum(scores, |score| score) / scored_count;
        let standard_error = (self.scored_count < self.row_count).then(|| {
            let variance =
                self.sum(scores, |score| (score - mean) * (score - mean)) / (scored_count - 1.0);
            (variance / scored_count * (1.0 - scored_count / self.row_count as f64)).sqrt()
        });
        (mean, standard_error)
    }

    fn sum(&self, scores: &[f64], term: impl Fn(f64) -> f64) -> f64 {
        let blocks = scores.chunks(4096).zip(self.counts.chunks(4096));
        blocks
            .map(|(scores, counts)| {
                scores
                    .iter()
                    .zip(counts)
                    .map(|(s, count)| count * term(*s))
                    .sum::<f64>()
            })
            .sum()
    }

    /// One score per input row, not a number where there is none.
    fn spread(&self, scores: &[f64], item_of_row: &[u32]) -> Vec<f64> {
        let mut score_of_item =
            vec![f64::NAN; self.items.last().map_or(0, |last| *last as usize + 1)];
        for (item, score) in self.items.iter().zip(scores) {
            score_of_item[*item as usize] = *score;
        }
        let is_scored = |row: usize| self.drawn.is_empty() || self.drawn[row];
        let score_of = |(row, item): (usize, &u32)| {
            if *item != ABSENT && is_scored(row) {
                score_of_item[*item as usize]
            } else {
                f64::NAN
            }
        };
        item_of_row.iter().enumerate().map(score_of).collect()
    }
}
