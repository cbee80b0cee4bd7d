//! Lines come back as they were, are never too long, and say what is wrong with them.

use entrega_clients::Strategy;
use proptest::prelude::*;

use super::*;
use crate::size::{Dimension, Reduction};

fn by_list() -> ReplayString {
    let overrides = [("times.stall".to_owned(), "10 s: & more%".to_owned())];
    ReplayString {
        digest: "4f2a91c0".to_owned(),
        seed: 7,
        configuration: Configuration { model: Model::Queue, strategy: Strategy::ProcessThenSettle },
        size: Size::Short(5),
        overrides: Overrides::of(&overrides),
        course: Course::ByList("mailer.effect.after#2=crash".to_owned()),
    }
}

fn by_chance() -> ReplayString {
    ReplayString { course: Course::ByChance, ..by_list() }
}

#[test]
fn they_come_back_as_they_were() {
    for example in [by_list(), by_chance()] {
        let text = example.to_string();
        assert!(!text.contains(' '), "{text} must be one word");
        assert_eq!(text.parse(), Ok(example));
    }
    assert!(by_chance().to_string().starts_with("2:4f2a91c0:7:queue:process-then-settle:"));
}

/// A text in lines that fit a terminal must know them.
#[test]
fn a_command_of_either_version_is_known() {
    for example in [by_list(), by_chance()] {
        assert!(is_command(&format!("  {}", example.command("entrega", "'my world.toml'"))));
    }
    assert!(!is_command("a replay string begins with '1' or '2'"));
    assert!(!is_command("  entrega explore world.toml '1:'"));
}

/// What was printed before there was a second version.
#[test]
fn the_first_version_is_read_for_ever() {
    let text = "1:4fb795f9:1:queue:micro-batch:messages=5:fn.message.poison#2=poison:5f19";
    let read: ReplayString = text.parse().expect("a replay string");
    assert_eq!(read.to_string(), text);
}

#[test]
fn sizes_come_back_too() {
    let check = |size: Size, expect: &str| {
        for example in [by_list(), by_chance()] {
            let sized = ReplayString { size: size.clone(), ..example };
            let text = sized.to_string();
            assert!(text.contains(expect), "{text}");
            assert_eq!(text.parse(), Ok(sized));
        }
    };
    let explored = Size::Explored {
        subscription: "mailer".to_owned(),
        messages: 3,
        consumers: 2,
        partitions: 1,
    };
    check(explored, ":explored=mailer.3.2.1&");
    let reduction = Reduction::default().with(Dimension::Prefetch, 4).with(Dimension::Messages, 20);
    check(Size::Reduced(reduction), ":first=20&prefetch=4&");
}

#[test]
fn what_is_wrong_is_said() {
    let check = |text: &str, expect: &str| {
        let text = format!("{text}:{}", checksum(text));
        let error = text.parse::<ReplayString>().expect_err(&text).to_string();
        assert!(error.contains(expect), "{error}");
    };
    let run = "4f2a91c0:7:queue:process-then-settle";
    check("3:4f2a91c0:7", "has version `3`; this program reads versions 1 and 2");
    check(&format!("2:{run}"), "7 parts");
    check(&format!("2:{run}::mailer.effect.after#2=crash"), "this has 8");
    check(&format!("1:{run}:"), "this has 7");
    check("2:4f2a91c0:7:kafka:process-then-settle:", "`kafka` is no platform; valid is log or");
    for none in ["messages=0", "explored=mailer.0.1.1", "explored=mailer.1.1.0", "first=0"] {
        check(&format!("2:{run}:{none}"), "valid is a whole number from 1");
    }
    check(&format!("2:{run}:set=green"), "`green` is no digest of overrides");
}

/// An entry took the place of another once, without a word.
#[test]
fn entries_that_exclude_each_other_are_refused() {
    let read = |differs: &str| {
        let text = format!("2:4f2a91c0:7:queue:process-then-settle:{differs}");
        format!("{text}:{}", checksum(&text)).parse::<ReplayString>()
    };
    let check = |before: &str, entry: &str, why: &str| {
        let error = read(&format!("{before}&{entry}")).expect_err(entry).to_string();
        let expect = format!("`{before}` and `{entry}` exclude each other in a replay string");
        assert_eq!(error, format!("{expect}: {why}"));
    };
    let sizes = ["messages=5", "explored=mailer.3.2.1", "first=3"];
    for (before, entry) in sizes.iter().flat_map(|one| sizes.map(|other| (one, other))) {
        check(before, entry, "a run has one size");
    }
    let (set, named) = ("set=0000001f", "seeds=3");
    for (before, entry) in [(set, named), (named, set), (set, "set=00000020")] {
        check(before, entry, "`set` stands for all overrides");
    }
    for together in ["first=3&consumers=1", "first=3&set=0000001f", "seeds=3&seeds=4&messages=5"] {
        assert!(read(together).is_ok(), "{together}");
    }
}

#[test]
fn no_line_is_too_long_whatever_was_changed() {
    let long = [("narration".to_owned(), "so it goes; ".repeat(1_000))];
    for example in [by_list(), by_chance()] {
        let example = ReplayString { overrides: Overrides::of(&long), ..example };
        let text = example.to_string();
        assert!(text.len() <= LONGEST, "{} characters", text.len());
        let read: ReplayString = text.parse().expect("a replay string");
        assert!(read.overrides.are(&long));
        assert!(!read.overrides.are(&[]));
        assert_eq!(read.to_string(), text);
    }
}

proptest! {
    #[test]
    fn a_changed_character_is_noticed(position in 0_usize..200, with in "[a-z0-9:]") {
        for example in [by_list(), by_chance()] {
            let text = example.to_string();
            let position = position % text.len();
            let mut damaged = text.clone();
            damaged.replace_range(position..=position, &with);
            if damaged != text {
                prop_assert!(damaged.parse::<ReplayString>().is_err(), "{}", damaged);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = text.parse::<ReplayString>();
    }
}
