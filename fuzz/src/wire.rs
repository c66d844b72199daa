//! Bytes from anybody are a message or none. What is one is the same when it is sent on.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tailwater_protocol::query::Query;
use tailwater_protocol::wire::{decode, encode};
use tailwater_protocol::{ClientMessage, Rows, ServerMessage};

pub fn wire(data: &[u8]) {
    both::<ClientMessage>(data);
    if let Some(message) = both::<ServerMessage>(data) {
        match &message {
            ServerMessage::Window(window) => window.blocks.iter().for_each(shown),
            ServerMessage::Frame { frame, .. } => frame.blocks.iter().for_each(shown),
            _ => {}
        }
    }
    if let Some(rows) = both::<Rows>(data) {
        shown(&rows);
    }
    if let Ok(ClientMessage::Find { query: Some(text), .. }) = decode(data) {
        drop(Query::parse(&text));
    }
}

fn both<T: Serialize + DeserializeOwned>(data: &[u8]) -> Option<T> {
    let message: T = decode(data).ok()?;
    // By their bytes: a fraction that is no number does not equal itself.
    let bytes = encode(&message);
    assert!(
        !bytes.is_empty() && bytes.len() <= data.len(),
        "numbers are written at their shortest"
    );
    let again: T = decode(&bytes).expect("what was written can be read");
    assert_eq!(encode(&again), bytes);
    Some(message)
}

/// What a page does with rows.
fn shown(rows: &Rows) {
    assert_eq!(rows.iter().count(), rows.len());
    let mut text = 0;
    for row in rows.iter() {
        text += row.text.len();
        for run in row.styles {
            let _part = row.text.get(run.start as usize..run.end as usize);
        }
    }
    assert!(text <= rows.text.len());
    let _end = rows.end();
    let mut marked = rows.clone();
    marked.mark(|_| Vec::new());
}
