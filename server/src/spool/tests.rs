//! A model of the spool, and random schedules: writing, rotating, dying at any byte, coming back,
//! a disk that fills and empties. What was acknowledged is there, once, in order and of its
//! stream, but for what was let go at the beginning; nothing is there that was never written.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use tailwater_engine::unwrap::Stream;
use tailwater_protocol::{Ending, LogName};

use super::notes::Notes;
use super::*;

/// Two segments at least, and no more than seventeen.
const BYTES: u64 = 1024 * 1024;

const SEGMENT: u64 = 64 * 1024;

#[derive(Debug, Clone)]
enum Act {
    Write {
        lines: usize,
        size: usize,
        stream: Stream,
    },
    /// The process dies while it writes, after so many bytes of a line.
    Die {
        after: usize,
    },
    Restart,
    Begin,
    End,
    /// What the disk takes from now on.
    Room(u64),
    Tick,
}

/// A disk of a given size, for the files of one folder.
struct Small {
    folder: PathBuf,
    takes: Arc<AtomicU64>,
}

impl Room for Small {
    fn set_aside(&self, _file: &File, from: u64, bytes: u64) -> io::Result<()> {
        let newest = fs::metadata(self.folder.join("app"))?.len();
        let others = size_of(&self.folder) - newest;
        if others + from + bytes > self.takes.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

fn size_of(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("read").flatten();
    files.filter_map(|file| file.metadata().ok()).filter(|m| m.is_file()).map(|m| m.len()).sum()
}

/// The spool under test, and what it has been given.
struct World {
    folder: tempfile::TempDir,
    takes: Arc<AtomicU64>,
    framing: Framing,
    spool: Option<Spool>,
    /// The stream of each line that was written, and whether that was acknowledged.
    given: Vec<(Stream, bool)>,
    /// Bytes that were counted as lost since the process started.
    lost: u64,
}

impl World {
    fn new(framing: Framing) -> Self {
        let takes = Arc::new(AtomicU64::new(u64::MAX));
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = Self { folder, takes, framing, spool: None, given: Vec::new(), lost: 0 };
        world.open();
        world
    }

    fn open(&mut self) {
        self.spool = None;
        let path = self.folder.path().join("spool");
        let room = Small { folder: path.clone(), takes: Arc::clone(&self.takes) };
        let limits = Limits { bytes: BYTES, age: None, reserve: 0, sync: false };
        let name = LogName("a/app".to_owned());
        let spool = Spool::open(&path, name, self.framing, limits, Box::new(room));
        self.spool = Some(spool.expect("opened"));
        self.lost = 0;
    }

    fn spool(&self) -> &Spool {
        self.spool.as_ref().expect("open")
    }

    fn line(&mut self, size: usize, stream: Stream) -> String {
        let number = self.given.len();
        self.given.push((stream, false));
        format!("{number}:{}\n", "x".repeat(size))
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Write { lines, size, stream } => {
                let first = self.given.len();
                let text: String = (0..lines).map(|_| self.line(size, stream)).collect();
                match self.spool().write(text.as_bytes(), stream) {
                    Ok(()) => self.given.iter_mut().skip(first).for_each(|line| line.1 = true),
                    Err(error) => {
                        assert!(is_full(&error), "{error}");
                        self.spool().lose(text.len() as u64);
                        self.lost += text.len() as u64;
                    }
                }
            }
            Act::Die { after } => {
                // Of the stream that was written to last, or there would be a note before it.
                let stream = self.spool().state().stream;
                let line = self.line(after + 20, stream);
                self.spool = None;
                let newest = self.folder.path().join("spool/app");
                let mut file = fs::OpenOptions::new().append(true).open(newest).expect("there");
                file.write_all(&line.as_bytes()[..after]).expect("written");
                drop(file);
                self.open();
                if self.framing == Framing::Stream {
                    self.spool().begin().expect("begun");
                }
            }
            Act::Restart => self.open(),
            Act::Begin => self.spool().begin().expect("begun"),
            Act::End => self.spool().end(Ending::Exited(1)).expect("noted"),
            Act::Room(bytes) => self.takes.store(bytes, Ordering::Relaxed),
            Act::Tick => self.spool().tick(),
        }
    }

    /// The segments, oldest first, and what is noted of them.
    fn segments(&self) -> Vec<(String, Notes)> {
        let folder = self.folder.path().join("spool");
        let names = fs::read_dir(&folder).expect("read").flatten();
        let names = names.map(|entry| entry.file_name().into_string().expect("text"));
        let number = |name: &str| name.rsplit_once('-')?.1.parse::<u64>().ok();
        let mut names: Vec<(u64, String)> = names
            .filter(|name| name.starts_with("app"))
            .map(|name| (number(&name).unwrap_or(self.spool().state().segments.number), name))
            .collect();
        names.sort();
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        let all = names.into_iter().map(|(number, name)| {
            let notes = read(folder.join(".notes").join(number.to_string()));
            (read(folder.join(name)), Notes::read(&notes))
        });
        all.collect()
    }

    fn check(&self) {
        let segments = self.segments();
        let mut last: Option<usize> = None;
        let mut noted = self.spool().state().missing;
        for (text, notes) in &segments {
            noted += notes.lost;
            let mut offset = 0;
            for line in text.split_inclusive('\n') {
                let at = offset;
                offset += line.len() as u64;
                if !line.ends_with('\n') {
                    assert_eq!(self.framing, Framing::Stream, "a torn line stays: {line}");
                    assert_eq!(offset, text.len() as u64, "only the last line of a run is torn");
                    continue;
                }
                let number = line.split(':').next().and_then(|number| number.parse().ok());
                let number: usize = number.unwrap_or_else(|| panic!("invented: {line}"));
                let (stream, _) = self.given[number];
                assert_eq!(notes.stream_at(at), stream, "of line {number}");
                let from = last.map_or(number, |last| last + 1);
                assert!(from <= number, "{number} after {last:?}");
                for missing in from..number {
                    assert!(!self.given[missing].1, "{missing} was acknowledged and is missing");
                }
                last = Some(number);
            }
        }
        let acknowledged = self.given.iter().rposition(|line| line.1);
        if let (Some(acknowledged), Some(last)) = (acknowledged, last) {
            assert!(acknowledged <= last, "{acknowledged} is missing at the end, after {last}");
        }
        let bytes: u64 = segments.iter().map(|(text, _)| text.len() as u64).sum();
        assert!(bytes <= BYTES + SEGMENT, "{bytes} bytes are kept");
        // What was lost after lines that were let go went with them.
        let whole = segments.len() as u64 == self.spool().state().segments.number;
        assert!(noted >= self.lost || !whole, "{noted} of {} lost noted", self.lost);
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let stream = prop_oneof![3 => Just(Stream::Stdout), 1 => Just(Stream::Stderr)];
    let write = (1_usize..6, prop_oneof![0_usize..200, 5000_usize..30_000], stream)
        .prop_map(|(lines, size, stream)| Act::Write { lines, size, stream });
    let act = prop_oneof![
        12 => write,
        2 => (0_usize..40).prop_map(|after| Act::Die { after }),
        1 => Just(Act::Restart),
        1 => Just(Act::Begin),
        1 => Just(Act::End),
        2 => (0_u64..400_000).prop_map(Act::Room),
        1 => Just(Act::Room(u64::MAX)),
        1 => Just(Act::Tick),
    ];
    prop::collection::vec(act, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_there(
        acts in acts(),
        framing in prop::sample::select(vec![Framing::Messages, Framing::Stream]),
    ) {
        let mut world = World::new(framing);
        for act in &acts {
            world.act(act);
            world.check();
        }
        world.act(&Act::Room(u64::MAX));
        world.act(&Act::Write { lines: 1, size: 1, stream: Stream::Stdout });
        world.check();
    }
}

#[test]
fn what_was_lost_is_noted_where_it_is_missing() {
    let mut world = World::new(Framing::Messages);
    let line = Act::Write { lines: 1, size: 10, stream: Stream::Stdout };
    world.act(&line);
    world.act(&Act::Restart);
    world.act(&Act::Room(0));
    world.act(&line);
    world.act(&line);
    assert_eq!(world.spool().lost(), 26);
    world.act(&Act::Room(u64::MAX));
    world.act(&line);
    let [(before, notes), (after, _)] = &world.segments()[..] else { panic!("two segments") };
    assert_eq!((before.as_str(), notes.lost), ("0:xxxxxxxxxx\n", 26));
    assert_eq!(after, "3:xxxxxxxxxx\n");
}

#[test]
fn a_run_that_nobody_ended_was_broken_off() {
    let mut world = World::new(Framing::Stream);
    world.act(&Act::Begin);
    world.act(&Act::Write { lines: 1, size: 1, stream: Stream::Stderr });
    assert_eq!(world.spool().ended(), None);
    world.act(&Act::Restart);
    assert_eq!(world.spool().ended().map(|ended| ended.how), Some(Ending::Broken));
    world.act(&Act::Begin);
    assert_eq!(world.spool().ended(), None);
    let [(_, first), (_, second)] = &world.segments()[..] else { panic!("two segments") };
    assert_eq!(first.ended.map(|ended| ended.how), Some(Ending::Broken));
    assert!(first.began.is_some() && second.began.is_some());
}

#[test]
fn a_file_that_a_dying_machine_lengthened_is_cut() {
    for (framing, left) in [(Framing::Messages, "a\n"), (Framing::Stream, "a\nb")] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), ["a\nb", &"\0".repeat(100_000)].concat()).expect("written");
        let open = fs::OpenOptions::new().read(true).append(true).open(file.path());
        let bytes = segments::mend(&open.expect("opened"), framing).expect("mended");
        assert_eq!(bytes, left.len() as u64);
        assert_eq!(fs::read_to_string(file.path()).expect("read"), left);
    }
}
