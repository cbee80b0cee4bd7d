//! Orders as a small shop would send them: the text of a message, for display.
//!
//! An order is a function of (seed, message, key), so nothing of it is stored. Its size is a sum
//! over its parts: to know it, nothing is written.

use entrega_choice::{Mixed, bounded};
use entrega_model::{Key, MessageId};

use super::stream;

/// No order has more bytes.
pub(crate) const MOST_BYTES: u32 = 300;

/// What the orders of a seed are drawn from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders(Mixed);

/// An order: what of it is random.
struct Order {
    word: u64,
    goods: u64,
}

const BEFORE_ID: &str = "{\"message_id\":";
const BEFORE_CLIENT: &str = ",\"client_id\":";
const BEFORE_PRODUCTS: &str = ",\"products\":[";
const BEFORE_ADDRESS: &str = "],\"address\":\"";
const BEFORE_CITY: &str = ", ";
const END: &str = "\"}";
const BEFORE_GOODS: &str = "{\"sku\":\"";
const BEFORE_QUANTITY: &str = "\",\"quantity\":";

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

/// The bytes of an order without numbers, names and products; a space stands before the number of
/// the house.
const FRAME_BYTES: u32 = bytes(BEFORE_ID)
    + bytes(BEFORE_CLIENT)
    + bytes(BEFORE_PRODUCTS)
    + bytes(BEFORE_ADDRESS)
    + bytes(" ")
    + bytes(BEFORE_CITY)
    + bytes(END);
/// Those of a product, by what of its bits decides them: its name, the lowest three, and its
/// quantity, the highest four. Its number has three digits, with a dash before.
const PRODUCT_BYTES: [u8; 128] = product_bytes();
const STREET_BYTES: [u32; 8] = all_bytes(STREETS);
const CITY_BYTES: [u32; 8] = all_bytes(CITIES);

impl Orders {
    pub(crate) fn of(seed: u64) -> Self {
        Self(Mixed::from(seed).with(stream::BODY))
    }

    #[inline]
    fn order(self, id: MessageId) -> Order {
        let mixed = self.0.with(u64::from(id.0));
        Order { word: mixed.with(0).word(), goods: mixed.with(1).word() }
    }

    /// The order as JSON.
    pub(crate) fn text(self, id: MessageId, key: Key) -> String {
        let order = self.order(id);
        let products: Vec<String> = order.products().map(product).collect();
        let (street, city) = (STREETS[order.street()], CITIES[order.city()]);
        let (products, house) = (products.join(","), order.house());
        format!(
            "{BEFORE_ID}{}{BEFORE_CLIENT}{}{BEFORE_PRODUCTS}{products}{BEFORE_ADDRESS}\
             {street} {house}{BEFORE_CITY}{city}{END}",
            id.0, key.0
        )
    }

    /// The size of the order in bytes.
    pub(crate) fn bytes(self, id: MessageId, key: Key) -> u32 {
        let order = self.order(id);
        let commas = order.further_products();
        let products: u32 = order.products().map(bytes_of_product).sum();
        let address =
            STREET_BYTES[order.street()] + digits(order.house()) + CITY_BYTES[order.city()];
        FRAME_BYTES + digits(id.0) + digits(key.0) + commas + products + address
    }
}

impl Order {
    /// How many products there are besides the first.
    fn further_products(&self) -> u32 {
        part(self.word, 0, 4)
    }

    fn products(&self) -> impl Iterator<Item = u32> {
        (0..=self.further_products()).map(|index| (self.goods >> (16 * index)) as u32 & 0xffff)
    }

    fn street(&self) -> usize {
        part(self.word, 1, 8) as usize
    }

    fn house(&self) -> u32 {
        1 + part(self.word, 2, 200)
    }

    fn city(&self) -> usize {
        part(self.word, 3, 8) as usize
    }
}

fn product(bits: u32) -> String {
    let (goods, number) = (GOODS[(bits & 7) as usize], 100 + (bits >> 3 & 511));
    format!("{BEFORE_GOODS}{goods}-{number}{BEFORE_QUANTITY}{}}}", quantity(bits))
}

#[inline]
fn bytes_of_product(bits: u32) -> u32 {
    u32::from(PRODUCT_BYTES[(bits >> 12 << 3 | bits & 7) as usize & 127])
}

const fn quantity(bits: u32) -> u32 {
    1 + (bits >> 12)
}

/// A number below `bound` from the `index`-th quarter of the word.
fn part(word: u64, index: u32, bound: u32) -> u32 {
    bounded((word >> (16 * index)) << 48, bound)
}

/// How many digits a number has.
#[inline(always)]
const fn digits(number: u32) -> u32 {
    match number {
        0..10 => 1,
        10..100 => 2,
        100..1000 => 3,
        _ => 1 + number.ilog10(),
    }
}

const fn bytes(text: &str) -> u32 {
    text.len() as u32
}

const fn product_bytes() -> [u8; 128] {
    let frame = bytes(BEFORE_GOODS) + bytes("-100") + bytes(BEFORE_QUANTITY) + bytes("}");
    let names = all_bytes(GOODS);
    let (mut all, mut index) = ([0; 128], 0);
    while index < all.len() {
        let quantity = quantity((index as u32 >> 3) << 12);
        all[index] = (frame + names[index & 7] + digits(quantity)) as u8;
        index += 1;
    }
    all
}

const fn all_bytes(texts: [&str; 8]) -> [u32; 8] {
    let (mut all, mut index) = ([0; 8], 0);
    while index < all.len() {
        all[index] = bytes(texts[index]);
        index += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_json_of_the_counted_size() {
        for id in (0..500).chain([u32::MAX - 1, u32::MAX]).map(MessageId) {
            let key = Key(id.0 % 1_001);
            let text = Orders::of(9).text(id, key);
            assert_eq!(text.len(), Orders::of(9).bytes(id, key) as usize, "{text}");
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
        let check = |id, key, expect: &str| {
            assert_eq!(Orders::of(1).text(MessageId(id), Key(key)), expect);
        };
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
