//! Bodies: made by the sender, read to the last byte by the receiver.

/// A message's body.
pub(super) trait Body: Copy + Send + Sync + 'static {
    /// The body of the message with this number.
    fn of(number: u64) -> Self;

    /// Adds up all its words.
    fn checksum(&self) -> u64;
}

impl<const N: usize> Body for [u8; N] {
    #[inline]
    fn of(number: u64) -> Self {
        let mut body = [0x5A; N];
        body[..8].copy_from_slice(&number.to_le_bytes());
        body
    }

    #[inline]
    fn checksum(&self) -> u64 {
        let words = self.as_chunks::<8>().0.iter();
        words.fold(0, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
    }
}

/// What the checksums of the first `messages` bodies add up to.
pub(super) fn sum_of_all<B: Body>(messages: usize) -> u64 {
    let number = messages as u64;
    let rest = B::of(0).checksum();
    rest.wrapping_mul(number).wrapping_add(number * (number - 1) / 2)
}
