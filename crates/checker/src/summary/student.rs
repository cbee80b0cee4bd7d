//! Student's t: how many standard errors a 95 % interval reaches to either side.
//!
//! Up to 30 degrees of freedom a table; beyond, the normal quantile with the first terms of its
//! Cornish-Fisher expansion, which is within 0.00001 there. Few operations, so that every machine
//! computes the same bytes. Source: Abramowitz and Stegun, *Handbook of Mathematical Functions*,
//! 26.7.5 and table 26.10.

/// The 97.5 % quantiles for 1 to 30 degrees of freedom.
const TABLE: [f64; 30] = [
    12.706_204_7,
    4.302_652_7,
    3.182_446_3,
    2.776_445_1,
    2.570_581_8,
    2.446_911_8,
    2.364_624_2,
    2.306_004_1,
    2.262_157_1,
    2.228_138_8,
    2.200_985_1,
    2.178_812_8,
    2.160_368_6,
    2.144_786_6,
    2.131_449_5,
    2.119_905_2,
    2.109_815_5,
    2.100_922_0,
    2.093_024_0,
    2.085_963_4,
    2.079_613_8,
    2.073_873_0,
    2.068_657_6,
    2.063_898_5,
    2.059_538_5,
    2.055_529_4,
    2.051_830_5,
    2.048_407_1,
    2.045_229_6,
    2.042_272_4,
];

/// The normal distribution's 97.5 % quantile.
pub(super) const NORMAL: f64 = 1.959_963_985;

/// The 97.5 % quantile for `degrees` of freedom, at least 1.
pub(super) fn quantile(degrees: u64) -> f64 {
    let index = usize::try_from(degrees.saturating_sub(1)).unwrap_or(usize::MAX);
    TABLE.get(index).copied().unwrap_or_else(|| expansion(degrees as f64))
}

fn expansion(degrees: f64) -> f64 {
    let z = NORMAL;
    let square = z * z;
    let first = z * (square + 1.0) / 4.0;
    let second = z * ((5.0 * square + 16.0) * square + 3.0) / 96.0;
    let third = z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0;
    z + (first + (second + third / degrees) / degrees) / degrees
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_goes_over_into_the_expansion() {
        for degrees in 21..=30_u64 {
            let difference = quantile(degrees) - expansion(degrees as f64);
            assert!(difference.abs() < 1e-5, "{degrees}: {difference}");
        }
        assert!(quantile(30) > quantile(31));
    }

    #[test]
    fn many_degrees_are_nearly_normal() {
        let check = |degrees, expect: f64| assert!((quantile(degrees) - expect).abs() < 1e-5);
        check(1, 12.706_205);
        check(40, 2.021_075);
        check(60, 2.000_298);
        check(120, 1.979_930);
        check(u64::MAX, 1.959_964);
    }

    #[test]
    fn quantiles_fall_with_the_degrees() {
        let all: Vec<_> = (1..200).map(quantile).collect();
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    }
}
