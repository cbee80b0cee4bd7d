//! A story before it is a sentence: clauses in their order, and how each is joined to the one
//! before.
//!
//! > **The rule.** A story becomes text once, at the end. So what is added to it finds its place by
//! > what happened, and not by the words that others have chosen.

use super::faults;

/// The clauses of a story.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    clauses: Vec<Clause>,
}

/// A main clause.
#[derive(Clone, Debug)]
struct Clause {
    joint: Joint,
    text: String,
    /// Where it happened, if that is known.
    at: Option<usize>,
    /// Whether it tells a fault.
    is_fault: bool,
}

/// How a clause is joined to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    /// By a semicolon: a part of its own.
    Part,
    /// It follows in the same part.
    Then,
    /// It belongs to what it follows.
    And,
}

impl Joint {
    const fn text(self) -> &'static str {
        match self {
            Self::Part => "; ",
            Self::Then => " and then ",
            Self::And => ", and ",
        }
    }
}

impl Course {
    /// A story that begins like this.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self::default().part(text)
    }

    /// A story that begins with a fault.
    pub(super) fn of_fault(at: usize, text: impl Into<String>) -> Self {
        Self::default().then_fault(at, text)
    }

    /// Whether it tells nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Whether it tells one thing.
    pub(super) const fn is_one_clause(&self) -> bool {
        self.clauses.len() == 1
    }

    /// With another part: `…; m2 is lost`.
    pub(super) fn part(self, text: impl Into<String>) -> Self {
        self.with(Joint::Part, text.into(), None, false)
    }

    /// With what happened next: `… and then the lease of mailer 1 expires`.
    pub(super) fn then(self, text: impl Into<String>) -> Self {
        self.with(Joint::Then, text.into(), None, false)
    }

    /// With what happened next, and where.
    pub(super) fn then_at(self, at: usize, text: impl Into<String>) -> Self {
        self.with(Joint::Then, text.into(), Some(at), false)
    }

    /// With a fault that happened next.
    pub(super) fn then_fault(self, at: usize, text: impl Into<String>) -> Self {
        self.with(Joint::Then, text.into(), Some(at), true)
    }

    /// With what belongs to it: `…, and mailer 1 leaves`.
    pub(super) fn and(self, text: impl Into<String>) -> Self {
        self.with(Joint::And, text.into(), None, false)
    }

    fn with(mut self, joint: Joint, text: String, at: Option<usize>, is_fault: bool) -> Self {
        self.clauses.push(Clause { joint, text, at, is_fault });
        self
    }

    /// With another story as its next part.
    pub(super) fn part_of(self, next: Self) -> Self {
        self.joined(Joint::Part, next)
    }

    /// With another story that belongs to it, if that is one clause; else as its next part.
    pub(super) fn and_of(self, next: Self) -> Self {
        let joint = if next.is_one_clause() { Joint::And } else { Joint::Part };
        self.joined(joint, next)
    }

    /// With another story that happened next.
    pub(super) fn then_of(self, next: Self) -> Self {
        self.joined(Joint::Then, next)
    }

    fn joined(mut self, joint: Joint, mut next: Self) -> Self {
        if let Some(first) = next.clauses.first_mut() {
            first.joint = joint;
        }
        self.clauses.append(&mut next.clauses);
        self
    }

    /// The same with something at the end of its last clause.
    pub(super) fn ended(mut self, end: &str) -> Self {
        if let Some(last) = self.clauses.last_mut() {
            last.text.push_str(end);
        }
        self
    }

    /// The same with something before its first clause: `when mailer 1 starts again, …`.
    pub(super) fn introduced(mut self, by: &str) -> Self {
        if let Some(first) = self.clauses.first_mut() {
            first.text = format!("{by}, {}", first.text);
        }
        self
    }

    /// The same, each clause once, together with what belongs to it.
    pub(super) fn each_once(self) -> Self {
        let mut told: Vec<String> = Vec::new();
        let mut once = Self::default();
        for group in self.clauses.chunk_by(|_, next| next.joint == Joint::And) {
            let group = Self { clauses: group.to_vec() };
            if !told.contains(&group.text()) {
                told.push(group.text());
                once.clauses.extend(group.clauses);
            }
        }
        once
    }

    /// The same without what another one tells already, but for its last clause.
    pub(super) fn without_told(mut self, other: &Self) -> Self {
        let is_told = |one: &Clause| other.clauses.iter().any(|told| told.text == one.text);
        let Some(last) = self.clauses.pop() else { return self };
        let mut kept = Self::default();
        for group in self.clauses.chunk_by(|_, next| next.joint == Joint::And) {
            if !is_told(&group[0]) {
                kept.clauses.extend_from_slice(group);
            }
        }
        kept.clauses.push(last);
        kept
    }

    /// The same without the clauses with which another one begins.
    pub(super) fn without_beginning_of(mut self, other: &Self) -> Self {
        let other = other.text();
        self.clauses.retain(|clause| !other.starts_with(&clause.text));
        self
    }

    /// The same, or nothing if it has too many clauses to say anything.
    pub(super) fn unless_many(self) -> Self {
        if self.clauses.len() > faults::MANY { Self::default() } else { self }
    }

    /// At most as many of its clauses as say something.
    pub(super) fn at_most_many(mut self) -> Self {
        self.clauses.truncate(faults::MANY);
        self
    }

    /// What it tells first and happened before a place, and the rest.
    pub(super) fn split_at(mut self, at: usize) -> (Self, Self) {
        let is_before = |clause: &Clause| {
            clause.joint == Joint::And || clause.at.is_some_and(|place| place < at)
        };
        let place = self.clauses.iter().position(|clause| !is_before(clause));
        let rest = self.clauses.split_off(place.unwrap_or(self.clauses.len()));
        (self, Self { clauses: rest })
    }

    /// Another story before the faults that come later than a place.
    pub(super) fn with_before_later(mut self, at: usize, told: Self) -> Self {
        let is_later =
            |clause: &Clause| clause.is_fault && clause.at.is_some_and(|fault| fault >= at);
        let place = self.clauses.iter().position(is_later).unwrap_or(self.clauses.len());
        let later = Self { clauses: self.clauses.split_off(place) };
        self.then_of(told).then_of(later)
    }

    /// Adds what happened at a place after the last fault that is told and came before it; at the
    /// beginning if none did.
    pub(super) fn with_overtakings(mut self, overtakings: Vec<(usize, String)>) -> Self {
        let mut first = Self::default();
        for (at, text) in overtakings {
            let before =
                |clause: &Clause| clause.is_fault && clause.at.is_some_and(|fault| fault < at);
            match self.clauses.iter().rposition(before) {
                Some(place) => {
                    let clause = Clause { joint: Joint::Then, text, at: Some(at), is_fault: true };
                    self.clauses.insert(place + 1, clause);
                }
                None => first = first.then(text),
            }
        }
        first.part_of(self)
    }

    /// As a clause of another text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for clause in &self.clauses {
            if !text.is_empty() {
                text.push_str(clause.joint.text());
            }
            text.push_str(&clause.text);
        }
        text
    }

    /// As a sentence.
    pub(super) fn sentence(&self) -> String {
        format!("{}.", self.text())
    }
}
