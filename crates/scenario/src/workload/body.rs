//! Orders as a small shop would send them: the text of a message, for display.
//!
//! An order is a function of (seed, message, key), so nothing of it is stored. The same code writes
//! it as text or only counts its bytes; counting allocates nothing.

use entrega_choice::{bounded, mix};
use entrega_model::{Key, MessageId};

use super::stream;

/// The order as JSON.
pub(crate) fn order(seed: u64, id: MessageId, key: Key) -> String {
    let mut text = String::new();
    write_order(&mut text, seed, id, key);
    text
}

/// No order has more bytes.
pub(crate) const MOST_BYTES: u32 = 300;

/// The size of the order in bytes.
pub(crate) fn order_bytes(seed: u64, id: MessageId, key: Key) -> u32 {
    let mut length = Length(0);
    write_order(&mut length, seed, id, key);
    length.0
}

/// Receives an order piece by piece.
trait Paper {
    fn text(&mut self, text: &str);
    fn number(&mut self, number: u32);
}

impl Paper for String {
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }

    fn number(&mut self, number: u32) {
        self.push_str(&number.to_string());
    }
}

/// Counts bytes.
struct Length(u32);

impl Paper for Length {
    fn text(&mut self, text: &str) {
        self.0 += text.len() as u32;
    }

    #[inline(always)]
    fn number(&mut self, number: u32) {
        self.0 += match number {
            0..10 => 1,
            10..100 => 2,
            100..1000 => 3,
            _ => 1 + number.ilog10(),
        };
    }
}

const GOODS: [&str; 8] = ["CAFE", "CHA", "PAO", "MEL", "LIVRO", "VELA", "QUEIJO", "AZEITE"];
const STREETS: [&str; 8] = [
    "Rua da Prata",
    "Rua das Flores",
    "Avenida da Liberdade",
    "Praça do Comércio",
    "Rua Augusta",
    "Travessa do Carmo",
    "Largo da Sé",
    "Rua do Ouro",
];
const CITIES: [&str; 8] =
    ["Lisboa", "Porto", "Coimbra", "Braga", "Évora", "Faro", "Aveiro", "Recife"];

fn write_order(paper: &mut impl Paper, seed: u64, id: MessageId, key: Key) {
    let word = mix(seed, &[stream::BODY, u64::from(id.0), 0]);
    let goods = mix(seed, &[stream::BODY, u64::from(id.0), 1]);
    paper.text("{\"message_id\":");
    paper.number(id.0);
    paper.text(",\"client_id\":");
    paper.number(key.0);
    paper.text(",\"products\":[");
    for index in 0..=part(word, 0, 4) {
        paper.text(if index == 0 { "{\"sku\":\"" } else { ",{\"sku\":\"" });
        write_product(paper, (goods >> (16 * index)) as u16);
    }
    paper.text("],\"address\":\"");
    paper.text(STREETS[part(word, 1, 8) as usize]);
    paper.text(" ");
    paper.number(1 + part(word, 2, 200));
    paper.text(", ");
    paper.text(CITIES[part(word, 3, 8) as usize]);
    paper.text("\"}");
}

fn write_product(paper: &mut impl Paper, bits: u16) {
    let bits = u32::from(bits);
    paper.text(GOODS[(bits & 7) as usize]);
    paper.text("-");
    paper.number(100 + (bits >> 3 & 511));
    paper.text("\",\"quantity\":");
    paper.number(1 + (bits >> 12));
    paper.text("}");
}

/// A number below `bound` from the `index`-th quarter of the word.
fn part(word: u64, index: u32, bound: u32) -> u32 {
    bounded((word >> (16 * index)) << 48, bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_json_of_the_counted_size() {
        for id in (0..500).chain([u32::MAX - 1, u32::MAX]).map(MessageId) {
            let key = Key(id.0 % 1_001);
            let text = order(9, id, key);
            assert_eq!(text.len(), order_bytes(9, id, key) as usize, "{text}");
            assert!(text.len() <= MOST_BYTES as usize, "{text}");
            let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(json["message_id"], id.0);
            assert_eq!(json["client_id"], key.0);
            let products = json["products"].as_array().expect("products");
            assert!((1..=4).contains(&products.len()));
        }
    }

    #[test]
    fn orders_are_pinned() {
        let check = |id, key, expect: &str| assert_eq!(order(1, MessageId(id), Key(key)), expect);
        check(
            0,
            90,
            "{\"message_id\":0,\"client_id\":90,\"products\":[\
             {\"sku\":\"LIVRO-265\",\"quantity\":3},\
             {\"sku\":\"AZEITE-158\",\"quantity\":6},{\"sku\":\"MEL-255\",\"quantity\":6}],\
             \"address\":\"Rua das Flores 53, Aveiro\"}",
        );
        check(
            17,
            42,
            "{\"message_id\":17,\"client_id\":42,\"products\":[\
             {\"sku\":\"VELA-352\",\"quantity\":10},\
             {\"sku\":\"VELA-290\",\"quantity\":10},{\"sku\":\"CAFE-215\",\"quantity\":11},\
             {\"sku\":\"MEL-525\",\"quantity\":5}],\"address\":\"Rua Augusta 161, Faro\"}",
        );
    }
}
