use std::ops::RangeInclusive;

use rayon::prelude::*;

use crate::{Cancelled, ClusterError, poll, simd::for_each_processor};

/// Points whose distances to all others are summed side by side.
const LANES: usize = 8;
type Lanes = [f64; LANES];

/// Scored points per unit of parallel work.
const BLOCK_QUERIES: usize = 64;

/// Weighted points in an order that keeps clusters, or neighbours, together.
pub(crate) struct Cloud<'a> {
    pub(crate) dimension_count: usize,
    /// n × d, row-major.
    pub(crate) coordinates: &'a [f64],
    /// Rows per point, n.
    pub(crate) weights: &'a [f64],
}

impl Cloud<'_> {
    fn point(&self, point: usize) -> &[f64] {
        &self.coordinates[point * self.dimension_count..][..self.dimension_count]
    }
}

/// One clustering of a [`Cloud`].
pub(crate) struct Labelling<'a> {
    labels: &'a [u32],
    clusters: Vec<Cluster>,
}

/// What scoring needs to know about a cluster besides its points.
struct Cluster {
    /// Rows.
    size: f64,
    centroid: Vec<f64>,
    /// Mean squared distance of the rows to the centroid.
    spread: f64,
    /// Consecutive points, as ranges of points and later of segments.
    runs: Vec<RangeInclusive<usize>>,
}

impl<'a> Labelling<'a> {
    /// Takes one label below `cluster_count` per point of the cloud. Clusters may be empty.
    pub(crate) fn new(cloud: &Cloud, labels: &'a [u32], cluster_count: usize) -> Self {
        let empty = || Cluster {
            size: 0.0,
            centroid: vec![0.0; cloud.dimension_count],
            spread: 0.0,
            runs: Vec::new(),
        };
        let mut clusters: Vec<Cluster> =
            std::iter::repeat_with(empty).take(cluster_count).collect();
        let mut first = 0;
        for run in labels.chunk_by(|a, b| a == b) {
            clusters[run[0] as usize]
                .runs
                .push(first..=first + run.len() - 1);
            first += run.len();
        }
        clusters
            .iter_mut()
            .for_each(|cluster| cluster.describe(cloud));
        Self { labels, clusters }
    }
}

impl Cluster {
    fn describe(&mut self, cloud: &Cloud) {
        for point in self.runs.iter().cloned().flatten() {
            self.size += cloud.weights[point];
            for (sum, x) in self.centroid.iter_mut().zip(cloud.point(point)) {
                *sum += cloud.weights[point] * x;
            }
        }
        self.centroid.iter_mut().for_each(|sum| *sum /= self.size);
        let square = |point| crate::lloyd::squared_distance(cloud.point(point), &self.centroid);
        let squares = self
            .runs
            .iter()
            .cloned()
            .flatten()
            .map(|point| cloud.weights[point] * square(point));
        self.spread = squares.sum::<f64>() / self.size;
    }
}

/// The silhouette of every query (a point of the cloud) under every labelling: `result[labelling][query]`.
///
/// Exact: (b - a) / max(a, b) with a the mean distance to the rest of the own cluster and b the least mean distance to
/// another; 0 in a cluster of one row (Rousseeuw 1987). A cluster whose centroid is farther away than some other
/// cluster's root mean square distance cannot be the nearest (a mean distance lies between the two) and is skipped.
///
/// A query's distances are computed once for all labellings: running sums over the cloud are kept at every place where
/// some labelling changes its label, and a cluster's sum is then the sum over its runs. Cost: queries × n distances,
/// fewer where clusters are skipped. Memory: 64 bytes per such place and thread.
pub(crate) fn silhouettes(
    cloud: &Cloud,
    mut labellings: Vec<Labelling>,
    queries: &[u32],
    cancelled: Cancelled,
) -> Result<Vec<Vec<f64>>, ClusterError> {
    let segments = Segments::new(cloud, &mut labellings);
    let blocks = queries
        .par_chunks(BLOCK_QUERIES)
        .map(|block| {
            poll(cancelled)?;
            let mut scorer = Scorer::new(cloud, &labellings, &segments);
            Ok(block
                .chunks(LANES)
                .map(|group| scorer.score(group))
                .collect::<Vec<_>>())
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((0..labellings.len())
        .map(|labelling| {
            let scores = blocks.iter().flatten().flat_map(|group| group[labelling]);
            // Only the last group can be short: its unused lanes come last of all.
            scores.take(queries.len()).collect()
        })
        .collect())
}

/// The cloud cut wherever a labelling changes its label.
struct Segments {
    /// First point of every segment, and the number of points.
    starts: Vec<usize>,
    /// Whether all labellings change their label at the start of the segment, so that no run crosses it.
    fresh: Vec<bool>,
}

impl Segments {
    /// Cuts the cloud, and rewrites the runs of all labellings from points to segments.
    fn new(cloud: &Cloud, labellings: &mut [Labelling]) -> Self {
        let point_count = cloud.weights.len();
        let mut starting = vec![0usize; point_count];
        for run in labellings
            .iter()
            .flat_map(|labelling| &labelling.clusters)
            .flat_map(|cluster| &cluster.runs)
        {
            starting[*run.start()] += 1;
        }
        let mut starts: Vec<usize> = (0..point_count)
            .filter(|&point| starting[point] > 0)
            .collect();
        let fresh = starts
            .iter()
            .map(|&start| starting[start] == labellings.len())
            .collect();
        starts.push(point_count);
        let mut segment_of = vec![0; point_count];
        for (segment, ends) in starts.windows(2).enumerate() {
            segment_of[ends[0]..ends[1]].fill(segment);
        }
        for cluster in labellings
            .iter_mut()
            .flat_map(|labelling| &mut labelling.clusters)
        {
            for run in &mut cluster.runs {
                *run = segment_of[*run.start()]..=segment_of[*run.end()];
            }
        }
        Self { starts, fresh }
    }

    fn count(&self) -> usize {
        self.fresh.len()
    }
}

/// The buffers for scoring [`LANES`] queries at a time.
struct Scorer<'a> {
    cloud: &'a Cloud<'a>,
    labellings: &'a [Labelling<'a>],
    segments: &'a Segments,
    /// Clusters to sum, per labelling.
    wanted: Vec<Vec<usize>>,
    /// Segments to sum.
    wanted_segments: Vec<bool>,
    /// The running sum at the end of every segment.
    sums: Vec<Lanes>,
    /// The queries' coordinates by dimension.
    coordinates: Vec<Lanes>,
}

impl<'a> Scorer<'a> {
    fn new(cloud: &'a Cloud, labellings: &'a [Labelling], segments: &'a Segments) -> Self {
        Self {
            cloud,
            labellings,
            segments,
            wanted: vec![Vec::new(); labellings.len()],
            wanted_segments: vec![false; segments.count()],
            sums: vec![[0.0; LANES]; segments.count()],
            coordinates: vec![[0.0; LANES]; cloud.dimension_count],
        }
    }

    /// Silhouettes per labelling; lanes beyond the group repeat its first query.
    fn score(&mut self, group: &[u32]) -> Vec<Lanes> {
        let queries: [usize; LANES] =
            std::array::from_fn(|lane| group[if lane < group.len() { lane } else { 0 }] as usize);
        for (dimension, lanes) in self.coordinates.iter_mut().enumerate() {
            *lanes = queries.map(|query| self.cloud.point(query)[dimension]);
        }
        self.choose(&queries);
        let Segments { starts, fresh } = self.segments;
        running_sums(
            self.cloud,
            &self.coordinates,
            starts,
            fresh,
            &self.wanted_segments,
            &mut self.sums,
        );
        (0..self.labellings.len())
            .map(|labelling| self.finish(labelling, &queries))
            .collect()
    }

    /// Chooses the clusters, and with them the segments, that can matter to some query.
    fn choose(&mut self, queries: &[usize; LANES]) {
        self.wanted_segments.fill(false);
        let mut everything = false;
        for (labelling, wanted) in self.labellings.iter().zip(&mut self.wanted) {
            let own = queries.map(|query| labelling.labels[query] as usize);
            choose_clusters(&labelling.clusters, &self.coordinates, &own, wanted);
            if everything {
                continue;
            }
            for run in wanted
                .iter()
                .flat_map(|&cluster| &labelling.clusters[cluster].runs)
            {
                self.wanted_segments[run.clone()].fill(true);
            }
            everything = wanted.len() == labelling.clusters.len();
        }
    }

    fn finish(&self, labelling: usize, queries: &[usize; LANES]) -> Lanes {
        let Labelling { labels, clusters } = &self.labellings[labelling];
        let own = queries.map(|query| labels[query] as usize);
        let mut within = [0.0; LANES];
        let mut between = [f64::INFINITY; LANES];
        for &cluster in &self.wanted[labelling] {
            let total = self.cluster_sum(&clusters[cluster]);
            let size = clusters[cluster].size;
            for lane in 0..LANES {
                if own[lane] == cluster {
                    within[lane] = total[lane] / (size - 1.0);
                } else {
                    between[lane] = between[lane].min(total[lane] / size);
                }
            }
        }
        std::array::from_fn(|lane| {
            let (a, b) = (within[lane], between[lane]);
            let alone = clusters[own[lane]].size == 1.0;
            if alone || a.max(b) == 0.0 {
                0.0
            } else {
                (b - a) / a.max(b)
            }
        })
    }

    fn cluster_sum(&self, cluster: &Cluster) -> Lanes {
        let mut total = [0.0; LANES];
        for run in &cluster.runs {
            let (first, last) = (*run.start(), &self.sums[*run.end()]);
            if self.segments.fresh[first] {
                (0..LANES).for_each(|lane| total[lane] += last[lane]);
            } else {
                let before = &self.sums[first - 1];
                (0..LANES).for_each(|lane| total[lane] += last[lane] - before[lane]);
            }
        }
        total
    }
}

/// Fills `wanted` with the clusters that hold a query or may be the nearest other cluster of one. `own` holds the
/// queries' clusters.
fn choose_clusters(
    clusters: &[Cluster],
    queries: &[Lanes],
    own: &[usize; LANES],
    wanted: &mut Vec<usize>,
) {
    let mut least = [f64::INFINITY; LANES];
    let mut squares = vec![[0.0; LANES]; clusters.len()];
    for (cluster, squares) in squares.iter_mut().enumerate() {
        for (lanes, x) in queries.iter().zip(&clusters[cluster].centroid) {
            for lane in 0..LANES {
                squares[lane] += (lanes[lane] - x) * (lanes[lane] - x);
            }
        }
        for lane in 0..LANES {
            if own[lane] != cluster && clusters[cluster].size > 0.0 {
                least[lane] = least[lane].min(squares[lane] + clusters[cluster].spread);
            }
        }
    }
    wanted.clear();
    wanted.extend((0..clusters.len()).filter(|&cluster| {
        let may_be_nearest = |lane: usize| squares[cluster][lane] <= least[lane] * (1.0 + 1e-9);
        clusters[cluster].size > 0.0
            && (0..LANES).any(|lane| own[lane] == cluster || may_be_nearest(lane))
    }));
}

for_each_processor! {
    /// Fills `sums` with running sums of weighted distances from the queries to the points of the wanted segments.
    fn running_sums(
        cloud: &Cloud<'_>,
        queries: &[Lanes],
        starts: &[usize],
        fresh: &[bool],
        wanted: &[bool],
        sums: &mut [Lanes],
    ) {
        let mut running = [0.0; LANES];
        for segment in 0..sums.len() {
            if fresh[segment] {
                running = [0.0; LANES];
            }
            if wanted[segment] {
                let points = starts[segment]..starts[segment + 1];
                let coordinates = &cloud.coordinates[points.start * queries.len()..points.end * queries.len()];
                for (point, weight) in coordinates.chunks_exact(queries.len()).zip(&cloud.weights[points]) {
                    let mut squares = [0.0; LANES];
                    for (lanes, x) in queries.iter().zip(point) {
                        for lane in 0..LANES {
                            squares[lane] += (lanes[lane] - x) * (lanes[lane] - x);
                        }
                    }
                    for lane in 0..LANES {
                        running[lane] += weight * squares[lane].sqrt();
                    }
                }
            }
            sums[segment] = running;
        }
    }
}
