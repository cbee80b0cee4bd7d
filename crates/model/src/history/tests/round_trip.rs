//! Events become text and the same events again; no text makes the reader panic.

use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::DeserializeOwned;
use serde::de::value::StrDeserializer;

use super::*;
use crate::history::line::WordError;
use crate::{Generation, Instant, Observer, PartitionId};

const MESSAGES: u32 = 4;
const KEYS: u32 = 3;
const PROCESSES: u16 = 3;
const SUBSCRIPTIONS: u8 = 2;
const DELIVERIES: u32 = 5;
const POINTS: u16 = 2;
const ALTERNATIVES: u8 = 3;
const KINDS: u64 = 34;

/// An endless source of numbers for the fields of an event.
struct Dice(u64);

impl Dice {
    fn long(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 29)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.long() >> 8) % bound
    }

    fn short(&mut self) -> u16 {
        (self.long() >> 24) as u16
    }

    fn number(&mut self) -> u32 {
        (self.long() >> 24) as u32
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 0
    }

    fn word<T: DeserializeOwned>(&mut self) -> T {
        let word = |word| T::deserialize(StrDeserializer::<WordError>::new(word));
        let valid = word("").err().expect("no enumeration has an empty word").valid;
        word(valid[self.below(valid.len() as u64) as usize]).expect("a valid word")
    }

    fn message(&mut self) -> MessageId {
        MessageId(self.below(MESSAGES.into()) as u32)
    }

    fn process(&mut self) -> ProcessId {
        ProcessId(self.below(PROCESSES.into()) as u16)
    }

    fn subscription(&mut self) -> SubscriptionId {
        SubscriptionId(self.below(SUBSCRIPTIONS.into()) as u8)
    }

    /// One of each kind of event, by number.
    fn kind(&mut self, number: u64) -> Kind {
        let (message, subscription) = (self.message(), self.subscription());
        let (consumer, process, producer) = (self.process(), self.process(), self.process());
        let delivery = DeliveryId(self.below(DELIVERIES.into()) as u32);
        let key = Key(self.below(KEYS.into()) as u32);
        let incarnation = Incarnation(self.number());
        let (partition, position) = (PartitionId(self.short()), self.long());
        let (attempt, redelivered) = (self.short(), self.flag());
        let some = self.flag();
        match number {
            0 => Kind::SendInvoked { message, key, producer, attempt },
            1 => Kind::SendEnded { message, producer, outcome: self.word() },
            2 => {
                let subscription = some.then_some(subscription);
                Kind::Stored { message, subscription, partition, position, copy: self.short() }
            }
            3 => {
                let subscription = some.then_some(subscription);
                Kind::Removed { message, subscription, reason: self.word() }
            }
            4 => Kind::Delivered {
                delivery,
                message,
                subscription,
                consumer,
                partition,
                position,
                attempt,
                redelivered,
            },
            5 => Kind::ProcessingStarted { delivery, message, subscription, consumer },
            6 => {
                let result = self.word();
                Kind::ProcessingEnded { delivery, message, subscription, consumer, result }
            }
            7 => {
                let verdict = self.word();
                Kind::Effect { delivery, message, key, subscription, consumer, verdict }
            }
            8 => {
                let (act, trigger) = (self.word(), self.word());
                Kind::SettleInvoked {
                    message,
                    subscription,
                    consumer,
                    partition,
                    position,
                    act,
                    trigger,
                }
            }
            9 => {
                let (act, outcome) = (self.word(), self.word());
                Kind::SettleEnded { message, subscription, consumer, act, outcome }
            }
            10 => Kind::DeadLettered { message, subscription, reason: self.word() },
            11 => {
                let (act, trigger) = (self.word(), self.word());
                Kind::Settled { message, subscription, consumer, act, trigger }
            }
            12 => {
                let (previous, trigger) = (self.long(), self.word());
                Kind::Committed {
                    subscription,
                    consumer,
                    partition,
                    upto: position,
                    previous,
                    trigger,
                }
            }
            13 => Kind::LeaseExpired { message, subscription, consumer },
            14 => Kind::Requeued { message, subscription, consumer },
            15 => Kind::SessionExpired { subscription, consumer },
            16 => {
                let from = some.then_some(self.number());
                Kind::OffsetReset { subscription, consumer, partition, from, to: position }
            }
            17 => {
                let generation = Generation(self.number());
                Kind::Assigned { subscription, consumer, partition, generation, position }
            }
            18 => Kind::Revoked { subscription, consumer, partition },
            19 => Kind::Lost { subscription, consumer, partition },
            20 => Kind::Crashed { process, incarnation },
            21 => Kind::Exited { process, incarnation, failed: self.flag() },
            22 => Kind::Started { process, incarnation },
            23 => Kind::Stalled { process },
            24 => Kind::Resumed { process },
            25 => {
                let point = self.below(POINTS.into()) as u16;
                let alternative = self.below(u64::from(ALTERNATIVES) + 1) as u8;
                Kind::Faulted { point, alternative, process, message: some.then_some(message) }
            }
            26 => Kind::Entered { phase: self.word() },
            27 => Kind::Retrievable { message, subscription },
            28 => {
                Kind::Sought { subscription, consumer, partition, from: self.long(), to: position }
            }
            29 => Kind::MaxPollExceeded { subscription, consumer },
            30 => Kind::Kept { message, subscription },
            31 => Kind::SettleForgotten { message, subscription },
            32 => {
                let (seen, reason) = (self.flag(), self.word());
                Kind::Aborted { delivery, message, subscription, consumer, seen, reason }
            }
            33 => Kind::Redriven { message, subscription, position, tag: self.long() },
            34 => Kind::Retried { message, subscription, consumer, position },
            _ => Kind::BrokerRestarted,
        }
    }
}

/// Events that name everything once in the order of the ids: a reader gives out the same ids.
fn prelude() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for i in 0..MESSAGES {
        let (message, key) = (MessageId(i), Key(i % KEYS));
        let producer = ProcessId(i as u16 % PROCESSES);
        kinds.push(Kind::SendInvoked { message, key, producer, attempt: 1 });
    }
    for i in 0..DELIVERIES {
        kinds.push(Kind::ProcessingStarted {
            delivery: DeliveryId(i),
            message: MessageId(i % MESSAGES),
            subscription: SubscriptionId(0),
            consumer: ProcessId(0),
        });
    }
    for point in 0..POINTS {
        for alternative in 1..=ALTERNATIVES {
            let process = ProcessId(0);
            kinds.push(Kind::Faulted { point, alternative, process, message: None });
        }
    }
    kinds
}

fn some_events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..=KINDS, any::<u64>(), prop_oneof![Just(0), 0..1_000_u64, 0..u64::MAX / 64]);
    prop::collection::vec(event, 0..60).prop_map(|rolls| {
        let mut at = 0_u64;
        let first = prelude().into_iter().map(|kind| Event { at: Instant::START, kind });
        let rest = rolls.into_iter().map(|(number, seed, gap)| {
            at = at.saturating_add(gap);
            Event { at: Instant::from_nanos(at), kind: Dice(seed).kind(number) }
        });
        first.chain(rest).collect()
    })
}

fn some_names() -> impl Strategy<Value = Names> {
    let words = |count: u64| prop::collection::vec(any::<String>(), count as usize);
    let numbered = |names: Vec<String>| -> Vec<String> {
        names.into_iter().enumerate().map(|(i, name)| format!("{i}{name}")).collect()
    };
    let point = move |names: Vec<String>| {
        let mut alternatives = numbered(names);
        PointNames { name: alternatives.remove(0), alternatives }
    };
    let points = words(u64::from(ALTERNATIVES) + 1).prop_map(point);
    (
        words(MESSAGES.into()).prop_map(numbered),
        words(KEYS.into()).prop_map(numbered),
        words(PROCESSES.into()).prop_map(numbered),
        points.clone(),
        points,
    )
        .prop_map(|(messages, keys, processes, first, mut second)| {
            second.name = format!("1{}", second.name);
            Names { messages, keys, processes, points: vec![first, second] }
        })
}

fn header() -> Header {
    read(format!("{TWO}\n{{\"end\":\"quiescent\"}}").as_bytes(), "h").expect("valid").header
}

fn write(events: &[Event], names: &Names, end: End) -> String {
    let mut writer = Writer::new(Vec::new(), &header(), names.clone()).expect("memory");
    writer.observe(events);
    String::from_utf8(writer.write_end(end).expect("memory")).expect("text")
}

/// What most producers do not promise is written only where it is promised.
#[test]
fn the_header_comes_back() {
    for [program_order, complete] in [[false, false], [true, false], [false, true], [true, true]] {
        let header = Header { program_order, complete, ..header() };
        let writer = Writer::new(Vec::new(), &header, Names::default()).expect("memory");
        let written = writer.write_end(End::Quiescent).expect("memory");
        let text = String::from_utf8(written).expect("text");
        assert_eq!(text.contains("program_order"), program_order);
        assert_eq!(text.contains("complete"), complete);
        assert_eq!(read(text.as_bytes(), "h").expect("valid").header, header);
    }
}

proptest! {
    #[test]
    fn events_with_names_come_back(events in some_events(), names in some_names()) {
        let text = write(&events, &names, End::Unfinished);
        let history = read(text.as_bytes(), "h").expect("what was written is valid");
        prop_assert_eq!(&history.events, &events);
        prop_assert_eq!(&history.names, &names);
        prop_assert_eq!((history.header, history.end), (header(), End::Unfinished));
    }

    #[test]
    fn events_without_names_come_back(events in some_events()) {
        let text = write(&events, &Names::default(), End::Quiescent);
        let history = read(text.as_bytes(), "h").expect("what was written is valid");
        prop_assert_eq!(history.events, events);
        prop_assert_eq!(&history.names.messages, &["0", "1", "2", "3"]);
    }

    #[test]
    fn a_history_cut_anywhere_is_truncated(events in some_events(), cut in any::<Index>()) {
        let text = write(&events, &Names::default(), End::Quiescent);
        let cut = 1 + cut.index(text.len() - 2);
        let error = read(&text.as_bytes()[..cut], "h").expect_err("it is cut");
        prop_assert_eq!(*error.mistake, Mistake::Truncated);
    }

    #[test]
    fn no_text_makes_the_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in any::<String>(),
    ) {
        let text = format!("{ONE}\n{text}");
        prop_assert!(read(&*bytes, "h").is_err());
        prop_assert!(read(text.as_bytes(), "h").is_err());
    }

    #[test]
    fn no_change_of_a_history_makes_the_reader_panic(
        events in some_events(),
        changes in prop::collection::vec((any::<Index>(), 0..4_u8, any::<u8>()), 1..4),
    ) {
        let mut bytes = write(&events, &Names::default(), End::Quiescent).into_bytes();
        for (at, how, byte) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes[at] = b"{}[]\",:09n-. \n"[usize::from(byte) % 14],
            }
        }
        let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
        if let Err(error) = read(&*bytes, "h") {
            prop_assert!(error.line <= lines + 1, "{}", error);
        }
    }
}

#[test]
fn a_writer_that_fails_says_so_at_the_end() {
    let mut full = [0; 400];
    let mut writer = Writer::new(&mut full[..], &header(), Names::default()).expect("it fits");
    let events = vec![Event { at: Instant::START, kind: Kind::BrokerRestarted }; 20];
    writer.observe(&events);
    assert!(writer.write_end(End::Quiescent).is_err());
}
