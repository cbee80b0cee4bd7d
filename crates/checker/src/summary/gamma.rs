//! Quantiles of the gamma distribution with scale 1: what leaves 2.5 % of it on one side.
//!
//! > **The rule.** Newton's method on the regularised incomplete gamma function, which is a series
//! > left of the mean and a continued fraction right of it; halved brackets where a step leads
//! > astray. From [`MANY`] on, the approximation of Wilson and Hilferty (a cube root is nearly
//! > normal), which is within 10⁻⁷ of it there. Transcendental functions are those of `libm`, so
//! > that every machine computes the same bytes.
//!
//! A quantile of χ² with k degrees of freedom is twice that of shape k/2. Sources: Abramowitz and
//! Stegun, *Handbook of Mathematical Functions*, 6.5.29, 6.5.31 (summed by Lentz's method),
//! 26.4.17.

use super::student::NORMAL;

/// The shape from which on the approximation is used.
const MANY: f64 = 20_000.0;

/// A step of Newton's method this small, relative to where it is, is the last: what is left of the
/// error is about its square.
const CLOSE: f64 = 1e-8;

/// Far more steps than it ever takes.
const MOST_STEPS: u32 = 200;

/// Far more terms than any sum here needs: a few times the square root of [`MANY`].
const MOST_TERMS: u32 = 10_000;

/// An end of the middle 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// 2.5 % are below.
    Low,
    /// 2.5 % are above.
    High,
}

impl End {
    fn probability(self) -> f64 {
        match self {
            Self::Low => 0.025,
            Self::High => 0.975,
        }
    }

    fn normal(self) -> f64 {
        match self {
            Self::Low => -NORMAL,
            Self::High => NORMAL,
        }
    }
}

/// The quantile for a positive shape.
pub(super) fn quantile(end: End, shape: f64) -> f64 {
    let approximation = wilson_hilferty(end, shape);
    if shape >= MANY { approximation } else { refined(end, shape, approximation) }
}

fn wilson_hilferty(end: End, shape: f64) -> f64 {
    let ninth = 1.0 / (9.0 * shape);
    let root = 1.0 - ninth + end.normal() * libm::sqrt(ninth);
    shape * root * root * root
}

/// The quantile by Newton's method. That of a tiny shape may be below every positive number: zero.
fn refined(end: End, shape: f64, approximation: f64) -> f64 {
    let wanted = end.probability();
    let (mut below, mut above) = (0.0, shape + 20.0 * libm::sqrt(shape) + 50.0);
    let mut at = if shape > 1.0 && approximation > 0.0 {
        approximation
    } else {
        near_zero(wanted, shape).min(above)
    };
    let log_gamma = libm::lgamma(shape);
    for _ in 0..MOST_STEPS {
        if at <= 0.0 {
            return 0.0;
        }
        let density = libm::exp((shape - 1.0) * libm::log(at) - at - log_gamma);
        let error = lower_part(shape, at, density) - wanted;
        if error > 0.0 {
            above = at;
        } else {
            below = at;
        }
        let step = error / density;
        if libm::fabs(step) <= CLOSE * at {
            return at - step;
        }
        let next = at - step;
        at = if next > below && next < above { next } else { (below + above) / 2.0 };
    }
    at
}

/// Where the first term of the series reaches the probability: exact as the quantile goes to zero.
fn near_zero(probability: f64, shape: f64) -> f64 {
    libm::exp((libm::log(probability) + libm::lgamma(shape + 1.0)) / shape)
}

/// How much of the distribution is below `x`: the regularised incomplete gamma function P.
fn lower_part(shape: f64, x: f64, density: f64) -> f64 {
    let factor = density * x;
    if x < shape + 1.0 { factor * series(shape, x) } else { 1.0 - factor * fraction(shape, x) }
}

/// 1/a + x/(a(a+1)) + x²/(a(a+1)(a+2)) + …
fn series(shape: f64, x: f64) -> f64 {
    let mut term = 1.0 / shape;
    let mut sum = term;
    let mut divisor = shape;
    for _ in 0..MOST_TERMS {
        divisor += 1.0;
        term *= x / divisor;
        sum += term;
        if term <= sum * 1e-16 {
            break;
        }
    }
    sum
}

/// 1/(x+1−a − 1(1−a)/(x+3−a − 2(2−a)/(x+5−a − …))).
fn fraction(shape: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if libm::fabs(value) < TINY { TINY } else { value };
    let mut partial = x + 1.0 - shape;
    let mut numerators = 1.0 / TINY;
    let mut denominators = 1.0 / away_from_zero(partial);
    let mut value = denominators;
    for index in 1..MOST_TERMS {
        let index = f64::from(index);
        let coefficient = -index * (index - shape);
        partial += 2.0;
        denominators = 1.0 / away_from_zero(coefficient * denominators + partial);
        numerators = away_from_zero(partial + coefficient / numerators);
        let change = denominators * numerators;
        value *= change;
        if libm::fabs(change - 1.0) <= 1e-16 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chi_squared(end: End, degrees: f64) -> f64 {
        2.0 * quantile(end, degrees / 2.0)
    }

    /// NIST/SEMATECH, *e-Handbook of Statistical Methods*, 1.3.6.7.4: critical values of χ², lower
    /// and upper 2.5 %, to three decimals.
    #[test]
    fn quantiles_are_those_of_the_published_table() {
        let check = |degrees: f64, low: f64, high: f64| {
            let found = [End::Low, End::High].map(|end| chi_squared(end, degrees));
            let close = |found: f64, expect: f64| (found - expect).abs() <= 0.000_51;
            assert!(close(found[0], low) && close(found[1], high), "{degrees}: {found:?}");
        };
        check(1.0, 0.001, 5.024);
        check(2.0, 0.051, 7.378);
        check(3.0, 0.216, 9.348);
        check(4.0, 0.484, 11.143);
        check(5.0, 0.831, 12.833);
        check(6.0, 1.237, 14.449);
        check(8.0, 2.180, 17.535);
        check(10.0, 3.247, 20.483);
        check(15.0, 6.262, 27.488);
        check(20.0, 9.591, 34.170);
        check(30.0, 16.791, 46.979);
        check(50.0, 32.357, 71.420);
        check(100.0, 74.222, 129.561);
    }

    /// With shape 1 the distribution is exponential, and its quantile is a logarithm.
    #[test]
    fn quantiles_of_shape_one_are_logarithms() {
        for (end, above) in [(End::Low, 0.975), (End::High, 0.025)] {
            let difference = quantile(end, 1.0) + libm::log(above);
            assert!(difference.abs() < 1e-12, "{end:?}: {difference}");
        }
    }

    #[test]
    fn what_lies_below_a_quantile_is_what_was_asked_for() {
        for shape in [0.02, 0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 7.5, 40.0, 300.0, 5_000.0, 19_999.0] {
            for end in [End::Low, End::High] {
                let at = quantile(end, shape);
                let log_density = (shape - 1.0) * at.ln() - at - libm::lgamma(shape);
                let error = lower_part(shape, at, log_density.exp()) - end.probability();
                assert!(error.abs() < 1e-9, "{end:?} of {shape} at {at}: {error}");
            }
        }
    }

    #[test]
    fn the_approximation_takes_over_where_it_is_as_good() {
        for end in [End::Low, End::High] {
            let exact = refined(end, MANY, MANY);
            let difference = wilson_hilferty(end, MANY) / exact - 1.0;
            assert!(difference.abs() < 1e-7, "{end:?}: {difference}");
            let too_early = wilson_hilferty(end, 4.0) / refined(end, 4.0, 4.0) - 1.0;
            assert!(too_early.abs() > 1e-4, "{end:?}: {too_early}");
        }
    }

    #[test]
    fn quantiles_rise_with_the_shape() {
        let shapes = || (1..1_000_u32).map(|tenth| f64::from(tenth) / 10.0);
        for end in [End::Low, End::High] {
            let all: Vec<f64> = shapes().map(|shape| quantile(end, shape)).collect();
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{end:?}");
        }
    }

    #[test]
    fn extreme_shapes_have_quantiles_too() {
        assert_eq!(quantile(End::Low, 1e-6), 0.0);
        for shape in [1e-6, 1e-3, 1e12, 1e18] {
            let (low, high) = (quantile(End::Low, shape), quantile(End::High, shape));
            assert!(0.0 <= low && low <= high && high.is_finite(), "{shape}: {low} {high}");
        }
    }
}
