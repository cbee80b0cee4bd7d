//! Histories of a log that keeps every promise of order, whose consumers often go back or ahead:
//! they seek, and the partition goes to another. Each message takes effect once.

use serde_json::{Value, json};

use crate::dice::Dice;

const CONSUMERS: [&str; 2] = ["c", "d"];

/// What the one partition holds, and who reads it from where.
struct Log {
    told: Vec<Value>,
    reader: &'static str,
    at: usize,
    has_effect: Vec<bool>,
    delivery: u64,
}

impl Log {
    fn tell(&mut self, line: Value) {
        self.told.push(line);
    }

    fn assign(&mut self, dice: &mut Dice) {
        let reader = dice.pick(&CONSUMERS);
        if dice.once_in(2) {
            self.tell(json!({ "event": "revoke", "consumer": self.reader }));
        }
        (self.reader, self.at) = (reader, dice.below(self.has_effect.len()));
        self.tell(json!({ "event": "assign", "consumer": reader, "position": self.at }));
    }

    fn seek(&mut self, to: usize) {
        self.at = to;
        self.tell(json!({ "event": "seek", "consumer": self.reader, "to": to }));
    }

    /// The reader is given what comes next, and often handles it.
    fn poll(&mut self, is_handled: bool) {
        let Some(has_effect) = self.has_effect.get_mut(self.at) else { return };
        let verdict = if *has_effect { "suppressed" } else { "applied" };
        *has_effect |= is_handled;
        self.delivery += 1;
        let of = |mut line: Value| {
            line["message"] = json!(self.at);
            line["consumer"] = json!(self.reader);
            line["delivery"] = json!(self.delivery);
            line
        };
        let told = [
            json!({ "event": "deliver", "position": self.at }),
            json!({ "event": "process.start" }),
            json!({ "event": "effect", "verdict": verdict }),
            json!({ "event": "process.end", "result": "ok" }),
        ];
        let count = if is_handled { told.len() } else { 1 };
        let told: Vec<Value> = told.into_iter().take(count).map(of).collect();
        self.told.extend(told);
        self.at += 1;
    }
}

/// A history by chance. In the end all is read once more.
pub(crate) fn rewound(dice: &mut Dice) -> Vec<Value> {
    let has_effect = vec![false; 2 + dice.below(3)];
    let told = vec![json!({
        "entrega_history": 1,
        "model": "log",
        "subscriptions": [{ "name": "mailer", "guarantee": "none" }],
    })];
    let mut log = Log { told, reader: "c", at: 0, has_effect, delivery: 0 };
    for message in 0..log.has_effect.len() {
        log.tell(json!({ "event": "send.invoke", "message": message, "key": message % 2 }));
        log.tell(json!({ "event": "store", "message": message, "position": message }));
        log.tell(json!({ "event": "send.ok", "message": message }));
    }
    log.assign(dice);
    for _ in 0..dice.below(12) {
        match dice.below(6) {
            0 => log.assign(dice),
            1 => log.seek(dice.below(log.has_effect.len())),
            _ => {
                let is_handled = dice.once_in(2) && log.is_next();
                log.poll(is_handled);
            }
        }
    }
    log.seek(0);
    while log.at < log.has_effect.len() {
        log.poll(true);
    }
    log.tell(json!({ "end": "quiescent" }));
    log.told
}

impl Log {
    /// Whether everything before has had its effect: effects keep the order.
    fn is_next(&self) -> bool {
        self.has_effect.iter().take(self.at).all(|has_effect| *has_effect)
    }
}
