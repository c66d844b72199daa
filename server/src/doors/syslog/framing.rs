//! Where a message ends on a connection: counted (`57 <34>1 …`) or ended by a newline, and either
//! may follow the other, since senders are what they are.
//!
//! Lengths are a stranger's numbers: one that is too large ends the connection, and what a connection may
//! have waiting is bounded.

/// Bytes of a message. More of one that is ended by a newline is the next message.
pub(super) const MAX_MESSAGE: usize = 64 * 1024;

/// What came on one connection.
#[derive(Debug, Default)]
pub(super) struct Framer {
    waiting: Vec<u8>,
}

/// What is wrong with a connection: nothing after it can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message is said to have more than 64 KiB")]
pub(super) struct TooLong;

enum Next {
    /// A message from here to there, and where the next begins.
    Message(usize, usize, usize),
    /// More has to come.
    More,
}

impl Framer {
    /// Bytes came: every message that is whole now is given to `take`.
    ///
    /// # Errors
    ///
    /// [`TooLong`].
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), TooLong> {
        self.waiting.extend_from_slice(bytes);
        let mut done = 0;
        while let Next::Message(from, to, next) = self.next(done)? {
            take(self.waiting.get(from..to).unwrap_or_default());
            done = next;
        }
        self.waiting.drain(..done);
        Ok(())
    }

    /// The rest, when the connection has ended.
    pub(super) fn finish(&mut self, mut take: impl FnMut(&[u8])) {
        let rest = std::mem::take(&mut self.waiting);
        if !rest.is_empty() {
            take(&rest);
        }
    }

    fn next(&self, start: usize) -> Result<Next, TooLong> {
        let rest = self.waiting.get(start..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let counted = (1..=9).contains(&digits) && rest.first() != Some(&b'0');
        match rest.get(digits) {
            Some(b' ') if counted => {
                let text = rest.get(..digits).and_then(|text| std::str::from_utf8(text).ok());
                let length: usize = text.and_then(|text| text.parse().ok()).ok_or(TooLong)?;
                if length > MAX_MESSAGE {
                    return Err(TooLong);
                }
                let from = start + digits + 1;
                if self.waiting.len() < from + length {
                    return Ok(Next::More);
                }
                return Ok(Next::Message(from, from + length, from + length));
            }
            // The length itself may not be whole.
            None if counted && digits < 9 => return Ok(Next::More),
            _ => {}
        }
        // RFC 6587 has a newline; some send a NUL.
        match rest.iter().take(MAX_MESSAGE).position(|byte| matches!(byte, b'\n' | 0)) {
            Some(end) => Ok(Next::Message(start, start + end, start + end + 1)),
            None if rest.len() >= MAX_MESSAGE => {
                Ok(Next::Message(start, start + MAX_MESSAGE, start + MAX_MESSAGE))
            }
            None => Ok(Next::More),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(pieces: &[&[u8]]) -> Result<Vec<String>, TooLong> {
        let mut framer = Framer::default();
        let mut all = Vec::new();
        let mut take = |message: &[u8]| all.push(String::from_utf8_lossy(message).into_owned());
        for piece in pieces {
            framer.take(piece, &mut take)?;
        }
        framer.finish(&mut take);
        Ok(all)
    }

    #[test]
    fn both_framings_are_told_apart() {
        let counted = b"5 <1>ab7 <1>a\nbc<1>x\n<1>y\n5 <1>zz<1>end";
        let all = ["<1>ab", "<1>a\nbc", "<1>x", "<1>y", "<1>zz", "<1>end"];
        assert_eq!(framed(&[counted]).expect("sound"), all);
        let bytes: Vec<&[u8]> = counted.chunks(1).collect();
        assert_eq!(framed(&bytes).expect("sound"), all, "byte by byte");
        assert_eq!(framed(&[b"99999 <1>x"]), Err(TooLong));
        let long = vec![b'x'; MAX_MESSAGE + 10];
        let parts = framed(&[&long, b"\n"]).expect("sound");
        assert_eq!(parts.iter().map(String::len).collect::<Vec<_>>(), [MAX_MESSAGE, 10]);
    }

    proptest! {
        #[test]
        fn what_waits_is_bounded_and_pieces_change_nothing(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b' '), Just(b'\n'), Just(b'1'), Just(b'<')], 0..300),
            piece in 1_usize..20,
        ) {
            let whole = framed(&[&bytes]);
            let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
            prop_assert_eq!(framed(&pieces), whole);
            let mut framer = Framer::default();
            let _end = framer.take(&bytes, |_| ());
            prop_assert!(framer.waiting.len() <= MAX_MESSAGE + 16);
        }
    }
}
