use crate::simd::for_each_processor;

/// Distances to this many centres are computed together; centre counts are padded to a multiple of it.
pub(crate) const LANES: usize = 8;

/// Points per unit of parallel work. Sums are taken per block and then over blocks in order, so that they do not depend
/// on the number of threads.
pub(crate) const BLOCK_POINTS: usize = 2048;

/// Centres stored by dimension and padded with infinitely far ones, so that distances from a point to all of them are
/// computed side by side.
pub(crate) struct Centers {
    pub(crate) count: usize,
    padded_count: usize,
    dimension_count: usize,
    /// d × padded count.
    by_dimension: Vec<f64>,
}

impl Centers {
    /// Takes k × d row-major coordinates.
    pub(crate) fn new(centers: &[f64], dimension_count: usize) -> Self {
        let count = centers.len() / dimension_count;
        let padded_count = count.next_multiple_of(LANES);
        let mut by_dimension = vec![f64::INFINITY; padded_count * dimension_count];
        for (center, row) in centers.chunks_exact(dimension_count).enumerate() {
            for (dimension, x) in row.iter().enumerate() {
                by_dimension[dimension * padded_count + center] = *x;
            }
        }
        Self {
            count,
            padded_count,
            dimension_count,
            by_dimension,
        }
    }

    /// Fills `squares` (resized to the padded count) with the squared distances from `point` to every centre; padding
    /// is infinitely far.
    #[inline(always)]
    pub(crate) fn squares_from(&self, point: &[f64], squares: &mut Vec<f64>) {
        squares.resize(self.padded_count, 0.0);
        for (group, out) in squares.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut sums = [0.0; LANES];
            for (dimension, x) in point.iter().enumerate() {
                let row =
                    &self.by_dimension[dimension * self.padded_count + group * LANES..][..LANES];
                for lane in 0..LANES {
                    let difference = x - row[lane];
                    sums[lane] += difference * difference;
                }
            }
            *out = sums;
        }
    }
}

/// The nearest centre of one point and the squared distances to it and to the second nearest.
pub(crate) struct Nearest {
    pub(crate) center: u32,
    pub(crate) square: f64,
    pub(crate) second_square: f64,
}

/// The nearest of the given squared distances; of equal ones the first.
#[inline(always)]
pub(crate) fn nearest(squares: &[f64]) -> Nearest {
    let mut result = Nearest {
        center: 0,
        square: f64::INFINITY,
        second_square: f64::INFINITY,
    };
    for (center, &square) in squares.iter().enumerate() {
        if square < result.square {
            result = Nearest {
                center: center as u32,
                square,
                second_square: result.square,
            };
        } else if square < result.second_square {
            result.second_square = square;
        }
    }
    result
}

for_each_processor! {
    /// For the row-major `points`: lowers `squares` to the squared distance to the nearest of `centers`, weighted sum
    /// returned.
    pub(crate) fn lower_squares(centers: &Centers, points: &[f64], weights: &[f64], squares: &mut [f64]) -> f64 {
        let mut to_centers = Vec::new();
        let mut total = 0.0;
        for (at, point) in points.chunks_exact(centers.dimension_count).enumerate() {
            centers.squares_from(point, &mut to_centers);
            squares[at] = to_centers.iter().fold(squares[at], |least, square| least.min(*square));
            total += weights[at] * squares[at];
        }
        total
    }
}

for_each_processor! {
    /// For each of `centers`: the weighted sum over the row-major `points` of the lesser of `squares` and the squared
    /// distance to it.
    pub(crate) fn potentials(centers: &Centers, points: &[f64], weights: &[f64], squares: &[f64]) -> Vec<f64> {
        let mut to_centers = Vec::new();
        let mut totals = vec![0.0; centers.padded_count];
        for (at, point) in points.chunks_exact(centers.dimension_count).enumerate() {
            centers.squares_from(point, &mut to_centers);
            for (total, square) in totals.iter_mut().zip(&to_centers) {
                *total += weights[at] * square.min(squares[at]);
            }
        }
        totals.truncate(centers.count);
        totals
    }
}
