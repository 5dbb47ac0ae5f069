use rayon::prelude::*;

use crate::{
    Cancelled, ClusterError, Points,
    dense::{BLOCK_POINTS, Centers, lower_squares, potentials},
    lloyd::trial_count,
    poll,
    random::Random,
};

/// Greedy k-means++ (Arthur and Vassilvitskii 2007, with several trials per centre) over all points, going on from the
/// `given` centres. Returns `cluster_count` × d coordinates, the given ones first. Cost: n × d × the sum of trials.
pub(crate) fn seed(
    points: &Points,
    given: &[f64],
    cluster_count: usize,
    random: &mut Random,
    cancelled: Cancelled,
) -> Result<Vec<f64>, ClusterError> {
    let mut field = Field {
        points,
        squares: vec![f64::INFINITY; points.distinct_count()],
        block_potentials: block_sums(points.weights()),
    };
    let mut centers = given.to_vec();
    if given.is_empty() {
        let first = field.draw(random, |point| points.weights()[point]);
        centers.extend_from_slice(points.point(first));
    }
    field.add(&centers);
    while centers.len() < cluster_count * points.dimension_count() {
        poll(cancelled)?;
        let candidates: Vec<f64> = (0..trial_count(cluster_count))
            .flat_map(|_| {
                points.point(field.draw(random, |point| {
                    points.weights()[point] * field.squares[point]
                }))
            })
            .copied()
            .collect();
        let best = field.best(&candidates);
        centers.extend_from_slice(best);
        field.add(best);
    }
    Ok(centers)
}

struct Field<'a> {
    points: &'a Points,
    /// Squared distance of every point to its nearest centre.
    squares: Vec<f64>,
    /// What `draw` weighs points by, summed per block.
    block_potentials: Vec<f64>,
}

impl Field<'_> {
    fn add(&mut self, centers: &[f64]) {
        let dimension_count = self.points.dimension_count();
        let centers = Centers::new(centers, dimension_count);
        self.block_potentials = self
            .squares
            .par_chunks_mut(BLOCK_POINTS)
            .zip(
                self.points
                    .coordinates()
                    .par_chunks(BLOCK_POINTS * dimension_count),
            )
            .zip(self.points.weights().par_chunks(BLOCK_POINTS))
            .map(|((squares, coordinates), weights)| {
                lower_squares(&centers, coordinates, weights, squares)
            })
            .collect();
    }

    /// The one of the row-major `candidates` that leaves the least sum of squared distances; of equal ones the first.
    fn best<'c>(&self, candidates: &'c [f64]) -> &'c [f64] {
        let dimension_count = self.points.dimension_count();
        let centers = Centers::new(candidates, dimension_count);
        let per_block: Vec<Vec<f64>> = self
            .squares
            .par_chunks(BLOCK_POINTS)
            .zip(
                self.points
                    .coordinates()
                    .par_chunks(BLOCK_POINTS * dimension_count),
            )
            .zip(self.points.weights().par_chunks(BLOCK_POINTS))
            .map(|((squares, coordinates), weights)| {
                potentials(&centers, coordinates, weights, squares)
            })
            .collect();
        let total = |candidate: usize| per_block.iter().map(|block| block[candidate]).sum::<f64>();
        let best = (1..centers.count).fold((0, total(0)), |best, candidate| {
            let total = total(candidate);
            if total < best.1 {
                (candidate, total)
            } else {
                best
            }
        });
        &candidates[best.0 * dimension_count..][..dimension_count]
    }

    /// A point drawn by `weigh`, whose sums per block are `block_potentials`; when they vanish, any point.
    fn draw(&self, random: &mut Random, weigh: impl Fn(usize) -> f64) -> usize {
        let total: f64 = self.block_potentials.iter().sum();
        if total <= 0.0 {
            return random.below(self.squares.len());
        }
        let mut target = random.unit() * total;
        let mut block = 0;
        while block + 1 < self.block_potentials.len() && target >= self.block_potentials[block] {
            target -= self.block_potentials[block];
            block += 1;
        }
        // Rounding may leave a remainder beyond the last point: the last one with any weight is as good.
        let start = block * BLOCK_POINTS;
        let mut drawn = start;
        for point in start..self.squares.len().min(start + BLOCK_POINTS) {
            let weight = weigh(point);
            if weight > 0.0 {
                drawn = point;
                if target < weight {
                    break;
                }
                target -= weight;
            }
        }
        drawn
    }
}

fn block_sums(weights: &[f64]) -> Vec<f64> {
    weights
        .chunks(BLOCK_POINTS)
        .map(|block| block.iter().sum())
        .collect()
}
