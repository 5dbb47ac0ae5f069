use rayon::prelude::*;

use crate::{
    Cancelled, ClusterError, Points,
    dense::{BLOCK_POINTS, Centers, nearest},
    dense_seeding,
    lloyd::{Assigner, Method, Totals, squared_distance},
    random::Random,
    simd::for_each_processor,
};

/// Added to an upper bound before it is trusted, to cover the rounding of all its updates. Coordinates are of order 1.
const SLACK: f64 = 1e-12;

/// k-means over all points with Hamerly's bounds, for many dimensions.
pub(crate) struct DenseMethod<'a> {
    points: &'a Points,
}

impl<'a> DenseMethod<'a> {
    pub(crate) fn new(points: &'a Points) -> Self {
        Self { points }
    }
}

impl Method for DenseMethod<'_> {
    fn seed(
        &self,
        given: &[f64],
        cluster_count: usize,
        random: &mut Random,
        cancelled: Cancelled,
    ) -> Result<Vec<f64>, ClusterError> {
        dense_seeding::seed(self.points, given, cluster_count, random, cancelled)
    }

    fn assigner(&self, _cluster_count: usize) -> impl Assigner {
        let unknown = Bounds {
            label: u32::MAX,
            upper: f64::INFINITY,
            lower: 0.0,
        };
        Hamerly {
            points: self.points,
            bounds: vec![unknown; self.points.distinct_count()],
            centroids: Vec::new(),
        }
    }
}

/// What is known about one point: its label, that its centroid is at most `upper` away, and all others at least
/// `lower`.
#[derive(Clone, Copy)]
struct Bounds {
    label: u32,
    upper: f64,
    lower: f64,
}

/// Hamerly (2010): a point keeps its label without a look at any centroid while its bounds, moved along with the
/// centroids, do not overlap. A point whose bounds overlap is compared with all centroids at once.
struct Hamerly<'a> {
    points: &'a Points,
    bounds: Vec<Bounds>,
    /// Those of the latest call.
    centroids: Vec<f64>,
}

impl Assigner for Hamerly<'_> {
    fn assign(&mut self, centroids: &[f64], totals: &mut Totals) -> bool {
        let dimension_count = self.points.dimension_count();
        let moves = Moves::new(&self.centroids, centroids, dimension_count);
        let step = Step {
            centers: Centers::new(centroids, dimension_count),
            half_gaps: half_gaps(centroids, dimension_count),
            centroids,
            moves,
            dimension_count,
        };
        let partials: Vec<(bool, Totals)> = self
            .bounds
            .par_chunks_mut(BLOCK_POINTS)
            .zip(
                self.points
                    .coordinates()
                    .par_chunks(BLOCK_POINTS * dimension_count),
            )
            .zip(self.points.weights().par_chunks(BLOCK_POINTS))
            .map(|((bounds, coordinates), weights)| {
                assign_block(&step, coordinates, weights, bounds)
            })
            .collect();
        totals.clear();
        partials.iter().for_each(|(_, partial)| totals.add(partial));
        self.centroids = centroids.to_vec();
        partials.iter().any(|(changed, _)| *changed)
    }

    fn labels(&self) -> Vec<u32> {
        self.bounds.iter().map(|bounds| bounds.label).collect()
    }

    fn inertia(&self, centroids: &[f64]) -> f64 {
        let dimension_count = self.points.dimension_count();
        let term = |at: usize| {
            let centroid =
                &centroids[self.bounds[at].label as usize * dimension_count..][..dimension_count];
            self.points.weights()[at] * squared_distance(self.points.point(at), centroid)
        };
        let starts: Vec<usize> = (0..self.bounds.len()).step_by(BLOCK_POINTS).collect();
        let blocks: Vec<f64> = starts
            .par_iter()
            .map(|&start| {
                (start..self.bounds.len().min(start + BLOCK_POINTS))
                    .map(term)
                    .sum()
            })
            .collect();
        blocks.iter().sum()
    }
}

/// What every block of one assignment reads.
struct Step<'a> {
    centers: Centers,
    centroids: &'a [f64],
    half_gaps: Vec<f64>,
    moves: Moves,
    dimension_count: usize,
}

/// How far centroids moved since the previous assignment.
struct Moves {
    of: Vec<f64>,
    farthest: usize,
    longest: f64,
    second_longest: f64,
}

impl Moves {
    fn new(from: &[f64], to: &[f64], dimension_count: usize) -> Self {
        let of: Vec<f64> = from
            .chunks_exact(dimension_count)
            .zip(to.chunks_exact(dimension_count))
            .map(|(from, to)| squared_distance(from, to).sqrt())
            .collect();
        let mut moves = Self {
            of,
            farthest: 0,
            longest: 0.0,
            second_longest: 0.0,
        };
        for (cluster, &distance) in moves.of.iter().enumerate() {
            if distance > moves.longest {
                (moves.farthest, moves.second_longest, moves.longest) =
                    (cluster, moves.longest, distance);
            } else if distance > moves.second_longest {
                moves.second_longest = distance;
            }
        }
        moves
    }

    /// The longest way any centroid but the given one has moved.
    #[inline(always)]
    fn longest_except(&self, cluster: usize) -> f64 {
        if cluster == self.farthest {
            self.second_longest
        } else {
            self.longest
        }
    }
}

/// Half the distance from every centroid to the next one: a point nearer than that has no nearer centroid.
fn half_gaps(centroids: &[f64], dimension_count: usize) -> Vec<f64> {
    let centers = Centers::new(centroids, dimension_count);
    let mut squares = Vec::new();
    centroids
        .chunks_exact(dimension_count)
        .map(|centroid| {
            centers.squares_from(centroid, &mut squares);
            nearest(&squares).second_square.sqrt() / 2.0
        })
        .collect()
}

for_each_processor! {
    /// Updates the bounds of one block of points; returns whether a label changed, and the block's totals.
    fn assign_block(step: &Step<'_>, coordinates: &[f64], weights: &[f64], bounds: &mut [Bounds]) -> (bool, Totals) {
        let dimension_count = step.dimension_count;
        let mut totals = Totals::new(step.centers.count, dimension_count);
        let mut squares = Vec::new();
        let mut changed = false;
        for (at, point) in coordinates.chunks_exact(dimension_count).enumerate() {
            let known = &mut bounds[at];
            if !keeps_label(known, step, point) {
                step.centers.squares_from(point, &mut squares);
                let found = nearest(&squares);
                changed |= found.center != known.label;
                *known = Bounds {
                    label: found.center,
                    upper: found.square.sqrt(),
                    lower: found.second_square.sqrt(),
                };
            }
            let cluster = known.label as usize;
            totals.weights[cluster] += weights[at];
            let sums = &mut totals.sums[cluster * dimension_count..][..dimension_count];
            for (sum, x) in sums.iter_mut().zip(point) {
                *sum += weights[at] * x;
            }
        }
        (changed, totals)
    }
}

/// Moves a point's bounds along and says whether they prove that its label stands.
#[inline(always)]
fn keeps_label(known: &mut Bounds, step: &Step<'_>, point: &[f64]) -> bool {
    let cluster = known.label as usize;
    if known.label == u32::MAX {
        return false;
    }
    known.upper += step.moves.of[cluster];
    known.lower -= step.moves.longest_except(cluster);
    let bound = known.lower.max(step.half_gaps[cluster]);
    if known.upper + SLACK < bound {
        return true;
    }
    let centroid = &step.centroids[cluster * step.dimension_count..][..step.dimension_count];
    known.upper = squared_distance(point, centroid).sqrt();
    known.upper + SLACK < bound
}
