//! The places where a choice is made. A world numbers them densely and keeps one table of their
//! names.

/// A place where a world asks for a choice: the index of its [`PointSpec`] in the world's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point(pub u16);

impl Point {
    /// This point as an index into a dense table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a point is called and what may happen there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointSpec {
    /// A stable name, unique in its table: replay strings use it, and the point's random stream is
    /// seeded by it.
    pub name: String,
    /// Names of the answers from 1 on; the harmless answer 0 has no name. A name that is empty or
    /// looks like a number counts as no name.
    pub alternatives: &'static [&'static str],
}

impl PointSpec {
    /// The name of answer `value`, if it has one.
    pub(crate) fn alternative(&self, value: u32) -> Option<&'static str> {
        let index = usize::try_from(value).ok()?.checked_sub(1)?;
        self.alternatives.get(index).copied().filter(|name| is_name(name))
    }
}

fn is_name(word: &str) -> bool {
    !word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_answers_have_a_name() {
        let spec = PointSpec { name: "p".to_owned(), alternatives: &["lost", "7", ""] };
        let check = |value, expect| assert_eq!(spec.alternative(value), expect);
        check(0, None);
        check(1, Some("lost"));
        check(2, None);
        check(3, None);
        check(4, None);
        check(u32::MAX, None);
    }
}
