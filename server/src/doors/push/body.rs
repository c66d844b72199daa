//! The body of a push: taken off its coding, within bounds.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

/// Bytes of a request as it comes.
pub const MAX_SENT: usize = 4 * 1024 * 1024;

/// Bytes of it when it is unpacked: what senders collect before they send, with room to spare.
pub const MAX_TEXT: usize = 16 * 1024 * 1024;

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Plain,
    Gzip,
    /// Snappy's block format, as Loki's senders use it without saying so.
    Snappy,
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("`{0}` is no coding that is taken; send gzip or none")]
    Coding(String),
    #[error("more than 16 MiB when unpacked; send less at once")]
    TooLarge,
    #[error("the body is not what its headers say: {0}")]
    Malformed(String),
}

impl Coding {
    /// What `Content-Encoding` says.
    ///
    /// # Errors
    ///
    /// For one that is not taken.
    pub fn of(header: Option<&str>) -> Result<Self, Unfit> {
        match header.map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Ok(Self::Plain),
            Some("gzip" | "x-gzip") => Ok(Self::Gzip),
            Some("snappy") => Ok(Self::Snappy),
            Some(other) => Err(Unfit::Coding(other.chars().take(40).collect())),
        }
    }
}

/// `body` without its coding.
///
/// # Errors
///
/// When it is too much, or broken.
pub fn unpack(body: Vec<u8>, coding: Coding) -> Result<Vec<u8>, Unfit> {
    match coding {
        Coding::Plain => Ok(body),
        Coding::Gzip => {
            let mut text = Vec::new();
            let most = MAX_TEXT as u64 + 1;
            let read = MultiGzDecoder::new(body.as_slice()).take(most).read_to_end(&mut text);
            read.map_err(|error| Unfit::Malformed(error.to_string()))?;
            if text.len() > MAX_TEXT { Err(Unfit::TooLarge) } else { Ok(text) }
        }
        Coding::Snappy => {
            let malformed = |error: snap::Error| Unfit::Malformed(error.to_string());
            if snap::raw::decompress_len(&body).map_err(malformed)? > MAX_TEXT {
                return Err(Unfit::TooLarge);
            }
            snap::raw::Decoder::new().decompress_vec(&body).map_err(malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text).expect("packed");
        packed.finish().expect("packed")
    }

    #[test]
    fn what_was_packed_is_unpacked_within_bounds() {
        assert_eq!(unpack(gzip(b"line\n"), Coding::Gzip), Ok(b"line\n".to_vec()));
        let bomb = vec![b'x'; MAX_TEXT + 1];
        assert_eq!(unpack(gzip(&bomb), Coding::Gzip), Err(Unfit::TooLarge));
        let snappy = |text: &[u8]| snap::raw::Encoder::new().compress_vec(text).expect("packed");
        assert_eq!(unpack(snappy(b"line\n"), Coding::Snappy), Ok(b"line\n".to_vec()));
        assert_eq!(unpack(snappy(&bomb), Coding::Snappy), Err(Unfit::TooLarge));
        let torn = gzip(b"line\n").split_off(3);
        assert!(matches!(unpack(torn, Coding::Gzip), Err(Unfit::Malformed(_))));
        assert!(Coding::of(Some("br")).is_err() && Coding::of(Some("GZIP")) == Ok(Coding::Gzip));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _any = (unpack(bytes.clone(), Coding::Gzip), unpack(bytes, Coding::Snappy));
        }
    }
}
