//! What every source promises, and that a stream built otherwise would break the promise.

use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

use super::*;
use crate::word::{bounded, digest, generator};
use crate::{Ratio, When};

const A: Point = Point(0);
const B: Point = Point(1);

fn table() -> Arc<[PointSpec]> {
    ["a", "b", "c"]
        .map(|name| PointSpec { name: name.to_owned(), alternatives: &["x", "y"] })
        .into()
}

fn odds(point: Point, value: u32, numerator: u64, denominator: u64) -> Odds {
    let ratio = Ratio::new(numerator, denominator).expect("a probability");
    Odds { point, value, ratio }
}

const fn choice(point: Point, occurrence: u32, value: u32) -> Choice {
    Choice { point, occurrence, value }
}

const fn scripted(point: Point, when: When, value: u32) -> Scripted {
    Scripted { point, when, value }
}

fn random(seed: u64) -> Choices {
    let odds = [odds(A, 1, 1, 10), odds(B, 1, 1, 10), odds(B, 2, 1, 10)];
    Choices::random(table(), seed, &odds).expect("valid odds")
}

fn answers(choices: &mut Choices, point: Point, picks: usize) -> Vec<u32> {
    (0..picks).map(|_| choices.pick(point, 3)).collect()
}

#[test]
fn nothing_happens_without_a_source() {
    let mut choices = Choices::harmless(table());
    assert_eq!(answers(&mut choices, A, 100), [0; 100]);
    assert_eq!(choices.occurrences(A), 100);
    assert_eq!(choices.occurrences(B), 0);
    assert!(choices.made().is_empty());
}

#[test]
fn a_random_run_is_pinned() {
    let mut choices = random(1);
    answers(&mut choices, A, 50);
    answers(&mut choices, B, 30);
    let a = [(A, 1, 1), (A, 42, 1), (A, 48, 1), (A, 49, 1)];
    let b = [(B, 8, 1), (B, 26, 2), (B, 28, 2)];
    let expect: Vec<_> = a.into_iter().chain(b).map(|(p, n, value)| choice(p, n, value)).collect();
    assert_eq!(choices.made(), expect);
}

#[test]
fn a_list_is_answered_at_its_occurrences() {
    let list = vec![choice(B, 3, 2), choice(A, 1, 1), choice(B, 1, 1), choice(B, 2, 0)];
    let mut choices = Choices::explicit(table(), list);
    assert_eq!(answers(&mut choices, B, 4), [1, 0, 2, 0]);
    assert_eq!(answers(&mut choices, A, 2), [1, 0]);
    assert_eq!(choices.made(), [choice(B, 1, 1), choice(B, 3, 2), choice(A, 1, 1)]);
    assert_eq!(choices.unused(), []);
}

#[test]
fn what_does_not_fit_is_reported() {
    let unreachable = [
        choice(A, 0, 1),
        choice(A, 4, 1),
        choice(B, 1, 3),
        choice(B, 2, 1),
        choice(B, NEVER, 1),
        choice(Point(3), 1, 1),
    ];
    let mut list = vec![choice(B, 2, 2), choice(A, 5, 0)];
    list.extend(unreachable);
    let mut choices = Choices::explicit(table(), list);
    assert_eq!(answers(&mut choices, A, 3), [0, 0, 0]);
    assert_eq!(answers(&mut choices, B, 3), [0, 2, 0]);
    assert_eq!(answers(&mut choices, Point(3), 3), [0, 0, 0]);
    assert_eq!(choices.unused(), unreachable);
}

#[test]
fn a_script_goes_first_and_moves_nothing() {
    let script = [(8, 0), (9, 2), (26, 1)].map(|(n, value)| scripted(B, When::Nth(n), value));
    let mut choices = random(1).with_script(script.to_vec());
    answers(&mut choices, B, 30);
    assert_eq!(choices.made(), [choice(B, 9, 2), choice(B, 26, 1), choice(B, 28, 2)]);
    assert_eq!(choices.unused_script(), []);
}

#[test]
fn a_script_by_time_takes_the_first_pick_from_then_on() {
    let script = vec![
        scripted(A, When::At(0), 1),
        scripted(A, When::At(100), 1),
        scripted(A, When::At(100), 2),
        scripted(B, When::At(200), 1),
        scripted(B, When::At(u64::MAX), 1),
    ];
    let mut choices = Choices::harmless(table()).with_script(script);
    assert_eq!(answers(&mut choices, A, 2), [1, 0]);
    choices.clock(99);
    assert_eq!(answers(&mut choices, A, 1), [0]);
    choices.clock(100);
    assert_eq!(answers(&mut choices, A, 3), [1, 2, 0]);
    choices.clock(300);
    choices.clock(10);
    assert_eq!(answers(&mut choices, B, 2), [1, 0]);
    assert_eq!(choices.unused_script(), [scripted(B, When::At(u64::MAX), 1)]);
}

#[test]
fn a_second_script_adds_to_the_first() {
    let mut choices = Choices::harmless(table())
        .with_script(vec![scripted(A, When::Nth(2), 1)])
        .with_script(vec![scripted(A, When::Nth(2), 2), scripted(A, When::At(0), 2)]);
    assert_eq!(answers(&mut choices, A, 3), [2, 1, 0]);
    assert_eq!(choices.unused_script(), [scripted(A, When::Nth(2), 2)]);
}

#[test]
fn a_choice_overruled_by_the_script_is_unused() {
    let list = vec![choice(A, 1, 1), choice(A, 2, 1)];
    let script = vec![scripted(A, When::Nth(1), 2), scripted(A, When::Nth(2), 1)];
    let mut choices = Choices::explicit(table(), list).with_script(script);
    assert_eq!(answers(&mut choices, A, 3), [2, 1, 0]);
    assert_eq!(choices.unused(), [choice(A, 1, 1)]);
}

#[test]
fn disabled_picks_do_not_count() {
    let mut choices = Choices::explicit(table(), vec![choice(A, 2, 1)]);
    assert_eq!(choices.pick(A, 2), 0);
    choices.enable(false);
    assert_eq!(answers(&mut choices, A, 5), [0; 5]);
    choices.enable(true);
    assert_eq!(choices.occurrences(A), 1);
    assert_eq!(choices.pick(A, 2), 1);
}

#[test]
fn a_point_that_is_not_in_the_table_answers_zero() {
    let mut choices = random(1);
    assert_eq!(choices.pick(Point(u16::MAX), 9), 0);
    assert_eq!(choices.occurrences(Point(u16::MAX)), 0);
}

#[test]
fn counting_ends_before_it_overflows() {
    let mut choices =
        Choices::explicit(table(), vec![choice(A, NEVER - 1, 1), choice(A, NEVER, 1)]);
    choices.counts[A.index()].occurrences = NEVER - 3;
    assert_eq!(answers(&mut choices, A, 5), [0, 1, 0, 0, 0]);
    assert_eq!(choices.occurrences(A), NEVER - 1);
    assert_eq!(choices.unused(), [choice(A, NEVER, 1)]);
}

#[test]
fn an_answer_without_room_is_not_recorded() {
    let odds = [odds(A, 2, 1, 1)];
    let mut choices = Choices::random(table(), 1, &odds).expect("valid odds");
    assert_eq!([0, 1, 2, 3, 2].map(|bound| choices.pick(A, bound)), [0, 0, 0, 2, 0]);
    assert_eq!(choices.made(), [choice(A, 4, 2)]);
}

/// The occurrences at which A answers 1, when `noise` picks of B come before each pick of A.
fn faults_at_a(mut pick: impl FnMut(Point, u32) -> u32, noise: u32) -> Vec<u32> {
    let mut fault = |_: &u32| {
        (0..noise).for_each(|_| _ = pick(B, 2));
        pick(A, 2) == 1
    };
    (1..=500).filter(|occurrence| fault(occurrence)).collect()
}

/// The known-bad stream: one generator for all points, drawn from at every pick.
fn shared_stream(mut generator: Xoshiro256PlusPlus) -> impl FnMut(Point, u32) -> u32 {
    move |_, _| u32::from(bounded(generator.next_u64(), 10) == 0)
}

#[test]
fn picks_at_one_point_move_no_fault_of_another() {
    let own = |noise| {
        let mut choices = random(1);
        faults_at_a(move |point, bound| choices.pick(point, bound), noise)
    };
    let shared = |noise| faults_at_a(shared_stream(generator(1, digest("shared"))), noise);
    assert!(!own(0).is_empty());
    assert!((1..4).all(|noise| own(noise) == own(0)), "each point has a stream of its own");
    assert!((1..4).all(|noise| shared(noise) != shared(0)), "a shared stream would be noticed");
}

/// Odds of another point, another place in the table and other points in it move no fault either.
#[test]
fn the_stream_of_a_point_belongs_to_its_name() {
    let faults = |names: &[&str], others: &[Odds]| {
        let spec = |name: &&str| PointSpec { name: (*name).to_owned(), alternatives: &["x"] };
        let table: Arc<[PointSpec]> = names.iter().map(spec).collect();
        let a =
            names.iter().zip(0..).find(|(name, _)| **name == "a").map(|(_, index)| Point(index));
        let a = a.expect("a is in the table");
        let mut odds = others.to_vec();
        odds.push(self::odds(a, 1, 1, 10));
        let mut choices = Choices::random(table, 1, &odds).expect("valid odds");
        answers(&mut choices, a, 200)
    };
    let expect = faults(&["a"], &[]);
    assert_eq!(faults(&["a", "b"], &[odds(B, 1, 1, 2)]), expect);
    assert_eq!(faults(&["b", "a"], &[odds(A, 1, 1, 2)]), expect);
    assert_ne!(answers(&mut random(1), B, 200), expect);
}

/// One step of a world.
#[derive(Clone, Debug)]
enum Step {
    Pick(Point, u32),
    Clock(u64),
    Enable(bool),
}

fn play(choices: &mut Choices, steps: &[Step]) -> Vec<u32> {
    let mut answers = Vec::new();
    for step in steps {
        match *step {
            Step::Pick(point, bound) => answers.push(choices.pick(point, bound)),
            Step::Clock(now) => choices.clock(now),
            Step::Enable(enabled) => choices.enable(enabled),
        }
    }
    answers
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..4_u16, 0..5_u32).prop_map(|(point, bound)| Step::Pick(Point(point), bound)),
        1 => (0..100_u64).prop_map(Step::Clock),
        1 => any::<bool>().prop_map(Step::Enable),
    ]
}

fn entry() -> impl Strategy<Value = Scripted> {
    let when = prop_oneof![(0..20_u32).prop_map(When::Nth), (0..100_u64).prop_map(When::At)];
    (0..4_u16, when, 0..4_u32).prop_map(|(point, when, value)| scripted(Point(point), when, value))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..120)
}

fn script() -> impl Strategy<Value = Vec<Scripted>> {
    prop::collection::vec(entry(), 0..6)
}

proptest! {
    /// The replay needs neither the odds nor the script; having the script as well does not hurt.
    #[test]
    fn a_run_replays_from_what_it_made(seed: u64, steps in steps(), script in script()) {
        let mut run = random(seed).with_script(script.clone());
        let expect = play(&mut run, &steps);

        let mut replay = Choices::explicit(table(), run.made().to_vec());
        prop_assert_eq!(&play(&mut replay, &steps), &expect);
        prop_assert_eq!(replay.made(), run.made());
        prop_assert_eq!(replay.unused(), []);

        let mut both = Choices::explicit(table(), run.made().to_vec()).with_script(script);
        prop_assert_eq!(play(&mut both, &steps), expect);
        prop_assert_eq!(both.unused(), []);
    }

    #[test]
    fn a_restart_is_a_new_stream(
        seed: u64, other: u64, steps in steps(), script in script(),
    ) {
        let mut fresh = random(seed).with_script(script.clone());
        let expect = play(&mut fresh, &steps);
        let mut reused = random(other).with_script(script);
        play(&mut reused, &steps);
        reused.restart(seed);
        prop_assert_eq!(play(&mut reused, &steps), expect);
        prop_assert_eq!(reused.made(), fresh.made());
        prop_assert_eq!(reused.unused_script(), fresh.unused_script());
    }

    #[test]
    fn what_is_made_is_what_was_answered(seed: u64, steps in steps(), script in script()) {
        let mut choices = random(seed).with_script(script);
        let mut answers = play(&mut choices, &steps);
        answers.retain(|value| *value != 0);
        prop_assert_eq!(choices.made().iter().map(|c| c.value).collect::<Vec<_>>(), answers);
    }

    #[test]
    fn answers_are_below_their_bound(seed: u64, steps in steps(), script in script()) {
        let mut choices = random(seed).with_script(script);
        for step in steps {
            if let Step::Pick(point, bound) = step {
                prop_assert!(choices.pick(point, bound) < bound.max(1));
            }
        }
    }
}

/// What an exploration needs: the picks after the last choice of the list, and only those.
#[test]
fn exploring_notes_what_could_have_gone_otherwise() {
    let list = [Choice { point: Point(0), occurrence: 2, value: 1 }];
    let mut choices = Choices::exploring([Point(0), Point(2)].into(), &list);
    let picks = [(0, 2), (2, 2), (0, 2), (2, 2), (1, 2), (0, 2), (3, 2)];
    let answers = picks.map(|(point, bound)| choices.pick(Point(point), bound));
    assert_eq!(answers, [0, 0, 1, 0, 0, 0, 0]);
    let open = |point, occurrence| BranchPoint { point: Point(point), occurrence, bound: 2 };
    assert_eq!(choices.branch_points(), [open(2, 2), open(0, 3)], "point 1 is not open");
    choices.enable(false);
    choices.pick(Point(0), 2);
    assert_eq!(choices.branch_points().len(), 2, "without choices there is nothing to note");
}
