//! Selections from a product in which every three values occur together.
//!
//! A product of nine settings with two or three values each has thousands of members; some thirty
//! of them show every three values of every three settings side by side (a *covering array of
//! strength three*: Cohen et al., *The AETG System*, 1997). What goes wrong only where more than
//! three settings meet is left to the product.
//!
//! > **The rule.** A selection is a function of the sizes alone, and begins with the plain member
//! > and those that differ from it in one value.

use std::collections::BTreeSet;

/// A member of a product: for each factor the number of its value. 0 is the plain one.
pub(super) type Member = Vec<usize>;

/// A number of a value in each of three factors.
type Triple = [(usize, usize); 3];

/// Every member of the product of factors of these sizes, the plain one first.
pub(super) fn product(sizes: &[usize]) -> Vec<Member> {
    let longer = |members: Vec<Member>, &size: &usize| {
        let longer = members.iter().flat_map(|member| {
            (0..size).map(move |value| member.iter().copied().chain([value]).collect())
        });
        longer.collect()
    };
    sizes.iter().fold(vec![Member::new()], longer)
}

/// Members in which every three values occur together. Each takes up as many new triples as any
/// member can.
pub(super) fn covering(sizes: &[usize]) -> Vec<Member> {
    let product = product(sizes);
    let mut missing: BTreeSet<Triple> = product.iter().flat_map(|one| triples(one)).collect();
    let is_near = |member: &&Member| member.iter().filter(|&&value| value > 0).count() <= 1;
    let mut selection: Vec<Member> = product.iter().filter(is_near).cloned().collect();
    selection.sort_by_key(|member| member.iter().any(|&value| value > 0));
    for triple in selection.iter().flat_map(|one| triples(one)) {
        missing.remove(&triple);
    }
    while !missing.is_empty() {
        let new = |member: &Member| triples(member).filter(|one| missing.contains(one)).count();
        let Some(best) = product.iter().rev().max_by_key(|member| new(member)) else { break };
        for triple in triples(best) {
            missing.remove(&triple);
        }
        selection.push(best.clone());
    }
    selection
}

/// The triples of a member.
fn triples(member: &[usize]) -> impl Iterator<Item = Triple> + '_ {
    let from = |first: usize| (first..member.len()).map(|factor| (factor, member[factor]));
    from(0)
        .flat_map(move |a| from(a.0 + 1).flat_map(move |b| from(b.0 + 1).map(move |c| [a, b, c])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The triples of values of a product that no member of a selection shows, counted without a
    /// look at how the selection is made.
    fn uncovered(sizes: &[usize], selection: &[Member]) -> usize {
        let mut uncovered = 0;
        let factors = 0..sizes.len();
        for (a, b, c) in factors.clone().flat_map(|a| {
            let factors = factors.clone();
            (a + 1..sizes.len()).flat_map(move |b| {
                let factors = factors.clone();
                factors.filter(move |&c| c > b).map(move |c| (a, b, c))
            })
        }) {
            for values in product(&[sizes[a], sizes[b], sizes[c]]) {
                let shows = |member: &Member| [member[a], member[b], member[c]] == values[..];
                uncovered += usize::from(!selection.iter().any(shows));
            }
        }
        uncovered
    }

    #[test]
    fn every_three_values_occur_together() {
        let check = |sizes: &[usize], members: usize| {
            let selection = covering(sizes);
            assert_eq!(uncovered(sizes, &selection), 0, "{sizes:?}");
            assert_eq!(selection.len(), members, "{sizes:?}");
            assert_eq!(selection, covering(sizes));
            let distinct: BTreeSet<&Member> = selection.iter().collect();
            assert_eq!(distinct.len(), members);
        };
        check(&[2, 2, 2], 8);
        check(&[3, 2, 2, 2, 2, 3], 28);
        check(&[3, 2, 2, 2, 2, 3, 3], 32);
        check(&[3, 2, 2, 2, 3, 2], 28);
    }

    /// Two values of two factors are no triple, and one member has few.
    #[test]
    fn a_selection_that_lacks_a_member_is_caught() {
        let sizes = [3, 2, 2, 2];
        let selection = covering(&sizes);
        let plain_and_near = 1 + sizes.iter().map(|size| size - 1).sum::<usize>();
        assert!(uncovered(&sizes, &selection[..plain_and_near]) > 0);
        assert!(uncovered(&sizes, &selection[..selection.len() - 1]) > 0);
    }

    #[test]
    fn the_plain_member_comes_first_and_then_its_neighbours() {
        let selection = covering(&[3, 2, 2]);
        assert_eq!(selection[0], [0, 0, 0]);
        let neighbours: BTreeSet<Member> = selection[1..5].iter().cloned().collect();
        let expect = [[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1]].map(|one| one.to_vec());
        assert_eq!(neighbours, BTreeSet::from(expect));
        assert_eq!(product(&[3, 2, 2]).len(), 12);
    }
}
