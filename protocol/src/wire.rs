//! Messages to bytes and back: postcard, whose integers are as short as their values.
//!
//! Decoding takes any bytes from anybody: it fails, and never panics or allocates more than the
//! bytes it was given can hold.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest message a page may send, in bytes: requests are small, and a larger one is an error
/// or an attack.
pub const CLIENT_LIMIT: usize = 64 * 1024;

/// The largest message the server sends, in bytes: a window of rows at their cap, with room for
/// the list of sources.
pub const SERVER_LIMIT: usize = 4 * 1024 * 1024;

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed message of {0} bytes")]
pub struct Malformed(pub usize);

/// `message` as bytes.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    // Our own types contain nothing that postcard cannot write (no sequence of unknown length).
    postcard::to_stdvec(message).unwrap_or_default()
}

/// The message in `bytes`, all of which it must take.
///
/// # Errors
///
/// [`Malformed`] when they are no message of that type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(Malformed(bytes.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::*;
    use proptest::prelude::*;

    #[test]
    fn messages_come_back_as_they_went() {
        let position = Position { generation: GenerationId(0x9f3a), offset: u64::MAX };
        let before = Fingerprint::of(b"line\n");
        let messages = [
            ClientMessage::Hello { protocol: PROTOCOL, build: "b".into() },
            ClientMessage::Open {
                view: ViewId(1),
                log: LogName("nginx/access.log".into()),
                from: Some(Bookmark { position, before }),
                attention: Attention::Rows(80),
                filter: Some((
                    FilterId(1),
                    Filter { level: Some(Level::Warn), ..Filter::default() },
                )),
            },
            ClientMessage::Window(WindowRequest {
                request: RequestId(3),
                view: ViewId(1),
                anchor: Anchor::Fraction(0.5),
                before: 10,
                after: 100,
            }),
        ];
        for message in messages {
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
    }

    #[test]
    fn trailing_bytes_are_malformed() {
        let mut bytes = encode(&ClientMessage::Ping(1));
        bytes.push(0);
        assert_eq!(decode::<ClientMessage>(&bytes), Err(Malformed(bytes.len())));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _either = decode::<ClientMessage>(&bytes);
            if let Ok(ServerMessage::Window(window)) = decode::<ServerMessage>(&bytes) {
                for rows in &window.blocks {
                    prop_assert_eq!(rows.iter().count(), rows.len());
                }
            }
        }
    }
}
