/// Shifts a column to mean 0 and scales it to standard deviation 1 (population), as scikit-learn's `StandardScaler`:
/// over the rows that are valid and finite. A column without spread becomes 0; other rows keep what they hold.
///
/// Two passes (Chan, Golub and LeVeque 1983, equation 1.1a with the correction term), O(rows).
pub fn standardize(values: &[f64], is_valid: impl Fn(usize) -> bool) -> Vec<f64> {
    let counts = |row: usize| is_valid(row) && values[row].is_finite();
    let rows: Vec<usize> = (0..values.len()).filter(|&row| counts(row)).collect();
    let count = rows.len().max(1) as f64;
    let mean = rows.iter().map(|&row| values[row]).sum::<f64>() / count;
    let (squares, residue) = rows.iter().fold((0.0, 0.0), |(squares, residue), &row| {
        let difference = values[row] - mean;
        (squares + difference * difference, residue + difference)
    });
    let deviation = ((squares - residue * residue / count) / count).sqrt();
    let scale = if deviation > 10.0 * f64::EPSILON * mean.abs() {
        deviation
    } else {
        f64::INFINITY
    };
    let mut standardized = values.to_vec();
    for row in rows {
        standardized[row] = (values[row] - mean) / scale;
    }
    standardized
}

#[cfg(test)]
mod tests {
    use super::standardize;

    /// scikit-learn 1.7 `StandardScaler` on [1, 2, 4, 8]: mean 3.75, scale 2.680951323690902.
    #[test]
    fn equals_scikit_learn() {
        let expected = [-1.025755, -0.652753, 0.093250, 1.585258];
        let standardized = standardize(&[1.0, 2.0, 4.0, 8.0], |_| true);
        for (value, expected) in standardized.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
        }
    }

    #[test]
    fn rows_that_do_not_count_stay_and_do_not_move_the_others() {
        let values = [1.0, f64::NAN, 3.0, 100.0];
        let standardized = standardize(&values, |row| row != 3);
        assert_eq!(standardized[0], -1.0);
        assert!(standardized[1].is_nan());
        assert_eq!(standardized[2], 1.0);
        assert_eq!(standardized[3], 100.0);
    }

    #[test]
    fn a_column_without_spread_becomes_zero() {
        assert_eq!(standardize(&[7.3; 5], |_| true), [0.0; 5]);
        assert!(standardize(&[], |_| true).is_empty());
    }
}
