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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_drawn_by_rows_times_squared_distance_and_the_best_candidate_wins() {
        let mut random = Random::new(1, 0);
        let columns: [Vec<f64>; 4] =
            std::array::from_fn(|_| (0..9_000).map(|_| random.below(7) as f64).collect());
        let points = Points::from_columns(&columns.each_ref().map(Vec::as_slice)).unwrap();
        let mut field = Field {
            points: &points,
            squares: vec![f64::INFINITY; points.distinct_count()],
            block_potentials: Vec::new(),
        };
        let centers = [points.point(0), points.point(1_000), points.point(2_000)].concat();
        field.add(&centers);

        let square = |a: &[f64], b: &[f64]| crate::lloyd::squared_distance(a, b);
        let to_nearest = |point: usize, centers: &[f64]| {
            let squares = centers
                .chunks(4)
                .map(|center| square(points.point(point), center));
            points.weights()[point] * squares.fold(f64::INFINITY, f64::min)
        };
        let potential = |centers: &[f64]| -> f64 {
            (0..points.distinct_count())
                .map(|point| to_nearest(point, centers))
                .sum()
        };
        assert!((field.block_potentials.iter().sum::<f64>() - potential(&centers)).abs() < 1e-9);

        let candidates = [30, 700, 1_500, 2_100]
            .map(|point| points.point(point))
            .concat();
        let with = |candidate: &[f64]| potential(&[&centers, candidate].concat());
        let best = candidates
            .chunks(4)
            .min_by(|a, b| with(a).total_cmp(&with(b)))
            .unwrap();
        assert_eq!(field.best(&candidates), best);

        let mut drawn = [0.0; 20];
        let mut expected = [0.0; 20];
        let bin = |point: usize| point * 20 / points.distinct_count();
        for point in 0..points.distinct_count() {
            expected[bin(point)] += 100_000.0 * to_nearest(point, &centers) / potential(&centers);
        }
        for _ in 0..100_000 {
            let weigh = |point| points.weights()[point] * field.squares[point];
            drawn[bin(field.draw(&mut random, weigh))] += 1.0;
        }
        let chi_square: f64 = drawn
            .iter()
            .zip(&expected)
            .map(|(o, e): (&f64, &f64)| (o - e).powi(2) / e)
            .sum();
        assert!(
            chi_square < 43.8,
            "{chi_square} exceeds the 0.1 % quantile of 19 degrees of freedom"
        );
    }
}
