//! A probability as a ratio of two integers. Text becomes a ratio without passing through a float,
//! so `0.005`, `0.5%` and `1/200` are one and the same value on every machine.

use std::fmt;
use std::str::FromStr;

/// A probability between 0 and 1: numerator over denominator, in lowest terms.
///
/// Text is `1/200`, a decimal (`0.005`, `0`, `1`), or a percentage (`0.5%`), without a sign, a
/// space or an exponent.
///
/// ```
/// use entrega_choice::Ratio;
///
/// let ratio: Ratio = "0.5%".parse()?;
/// assert_eq!(ratio, Ratio::new(5, 1000)?);
/// assert_eq!(ratio.to_string(), "1/200");
/// # Ok::<(), entrega_choice::RatioError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

/// Why something is not a probability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RatioError {
    /// The denominator is 0. Write 0 as `0`.
    #[error("a ratio cannot have the denominator 0")]
    ZeroDenominator,
    /// The numerator is greater than the denominator. A probability is at most 1.
    #[error("a probability is at most 1 (or 100%)")]
    AboveOne,
    /// The text is not a ratio at all. Write `1/200`, `0.005` or `0.5%`.
    #[error("{0:?} is not a probability; valid are for example 1/200, 0.005, 0.5%, 0 and 1")]
    Syntax(String),
    /// In lowest terms, a part needs more than 64 bits. Use fewer digits.
    #[error("{0:?} has too many digits; at most 19 after the point are kept exactly")]
    TooManyDigits(String),
}

impl Ratio {
    /// Never.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// Always.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };
    /// How many [`parts`](Self::parts) make up one: 2⁶³.
    pub const PARTS: u64 = 1 << 63;

    /// The probability `numerator / denominator`, reduced to lowest terms.
    pub const fn new(numerator: u64, denominator: u64) -> Result<Self, RatioError> {
        if denominator == 0 {
            return Err(RatioError::ZeroDenominator);
        }
        if numerator > denominator {
            return Err(RatioError::AboveOne);
        }
        let divisor = gcd(numerator as u128, denominator as u128) as u64;
        Ok(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The number above the line, in lowest terms.
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// The number below the line, in lowest terms.
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// Whether this never happens.
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// This probability in fixed point, in units of 2⁻⁶³: rounded down, but only 0 itself gives 0.
    pub const fn parts(self) -> u64 {
        let scaled = (self.numerator as u128) << 63;
        let parts = (scaled / self.denominator as u128) as u64;
        if parts == 0 && self.numerator != 0 { 1 } else { parts }
    }
}

/// As `1/200`; never and always as `0` and `1`.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            _ => write!(f, "{}/{}", self.numerator, self.denominator),
        }
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let (numerator, denominator) = if let Some((above, below)) = text.split_once('/') {
            (digits(above, text)?, digits(below, text)?)
        } else if let Some(number) = text.strip_suffix('%') {
            decimal(number, 100, text)?
        } else {
            decimal(text, 1, text)?
        };
        if denominator == 0 {
            return Err(RatioError::ZeroDenominator);
        }
        if numerator > denominator {
            return Err(RatioError::AboveOne);
        }
        let divisor = gcd(numerator, denominator);
        let part = |part: u128| {
            u64::try_from(part / divisor).map_err(|_| RatioError::TooManyDigits(text.to_owned()))
        };
        Self::new(part(numerator)?, part(denominator)?)
    }
}

/// The parts of `number / unit`, where `number` is digits with at most one point among them.
fn decimal(number: &str, unit: u128, text: &str) -> Result<(u128, u128), RatioError> {
    let too_many = || RatioError::TooManyDigits(text.to_owned());
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => {
            digits_only(fraction, text)?;
            (whole, fraction.trim_end_matches('0'))
        }
        None => (number, ""),
    };
    let whole = digits(whole, text)?;
    let scale = u32::try_from(fraction.len())
        .ok()
        .and_then(|places| 10_u128.checked_pow(places))
        .ok_or_else(too_many)?;
    let fraction = if fraction.is_empty() { 0 } else { digits(fraction, text)? };
    let numerator = whole.checked_mul(scale).and_then(|whole| whole.checked_add(fraction));
    let denominator = scale.checked_mul(unit);
    numerator.zip(denominator).ok_or_else(too_many)
}

/// A run of decimal digits as a number.
fn digits(word: &str, text: &str) -> Result<u128, RatioError> {
    digits_only(word, text)?;
    word.parse().map_err(|_| RatioError::TooManyDigits(text.to_owned()))
}

fn digits_only(word: &str, text: &str) -> Result<(), RatioError> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RatioError::Syntax(text.to_owned()));
    }
    Ok(())
}

/// The greatest common divisor; not 0 unless both are.
const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_read_exactly() {
        let check = |text: &str, expect| {
            let ratio: Ratio = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((ratio.numerator(), ratio.denominator()), expect, "{text}");
        };
        check("1/200", (1, 200));
        check("0.5%", (1, 200));
        check("0.005", (1, 200));
        check("5/1000", (1, 200));
        check("0", (0, 1));
        check("0.0%", (0, 1));
        check("1", (1, 1));
        check("100%", (1, 1));
        check("0.1", (1, 10));
        check("00.50000000000000000000000000000000000000000000000", (1, 2));
        check("0.0000000000000000001", (1, 10_000_000_000_000_000_000));
        check("18446744073709551615/18446744073709551615", (1, 1));
    }

    #[test]
    fn other_text_is_refused() {
        let check = |text: &str, expect: fn(String) -> RatioError| {
            assert_eq!(text.parse::<Ratio>(), Err(expect(text.to_owned())), "{text}");
        };
        for text in
            ["", "-1", "+1", "1e-3", ".5", "5.", "1/", "/2", "1/2/3", " 1", "1/2%", "½", "%"]
        {
            check(text, RatioError::Syntax);
        }
        check("1/0", |_| RatioError::ZeroDenominator);
        check("0/0", |_| RatioError::ZeroDenominator);
        check("3/2", |_| RatioError::AboveOne);
        check("1.01", |_| RatioError::AboveOne);
        check("101%", |_| RatioError::AboveOne);
        check("0.00000000000000000001", RatioError::TooManyDigits);
        check(&format!("0.{}1", "0".repeat(60)), RatioError::TooManyDigits);
        check(&"9".repeat(60), RatioError::TooManyDigits);
    }

    #[test]
    fn parts_are_fixed_point() {
        let check = |numerator, denominator, expect| {
            let ratio = Ratio::new(numerator, denominator).expect("a probability");
            assert_eq!(ratio.parts(), expect, "{ratio}");
        };
        check(0, 5, 0);
        check(5, 5, Ratio::PARTS);
        check(1, 2, 1 << 62);
        check(1, 3, 3_074_457_345_618_258_602);
        check(1, u64::MAX, 1);
        check(u64::MAX - 1, u64::MAX, Ratio::PARTS - 1);
    }

    proptest! {
        #[test]
        fn text_round_trips(numerator: u64, denominator in 1_u64..) {
            let ratio = Ratio::new(numerator % denominator, denominator).expect("below one");
            prop_assert_eq!(ratio.to_string().parse(), Ok(ratio));
        }

        #[test]
        fn decimals_and_percentages_agree_with_integers(thousandths in 0..=1000_u64) {
            let expect = Ratio::new(thousandths, 1000);
            let decimal = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            let percent = format!("{}.{}%", thousandths / 10, thousandths % 10);
            prop_assert_eq!(decimal.parse(), expect.clone());
            prop_assert_eq!(percent.parse(), expect);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Ratio>();
        }

        #[test]
        fn no_text_of_digits_panics(text in "[0-9./%]{0,60}") {
            if let Ok(ratio) = text.parse::<Ratio>() {
                prop_assert!(ratio.parts() <= Ratio::PARTS);
            }
        }
    }
}
