//! That the judge judges: followers that are broken in ways that others are, and how soon the
//! model finds them out.
//!
//! A follower is broken from outside, by what it is told of the file system or by its bounds, so
//! that no code exists for the test alone.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tailwater_engine::file::{Absent, File, Identity, Place, Sibling, Stat};
use tailwater_engine::follow::Limits;
use tailwater_engine::read::ReadAt;
use tailwater_protocol::Fingerprint;

use crate::schedule::schedule;
use crate::world::{Broken, World};
use crate::{fake, tried};

/// Schedules in which a broken follower must be found out. Each of these is within 200.
const SOON: u64 = 2000;

/// After how many schedules a follower so broken is found out.
fn found_out(limits: Option<Limits>, broken: Option<Broken>) -> Option<u64> {
    (0..SOON).find(|&seed| {
        let mut schedule = schedule(seed);
        schedule.setting.hasty = false;
        let world = World::new(Box::new(fake::Fake::new()), schedule.setting);
        tried(|| world.broken(limits, broken).run(&schedule.ops)).is_err()
    })
}

#[test]
fn what_is_broken_is_found_out() {
    let impatient = Limits { linger: Duration::ZERO, held: 0 };
    let broken: [(&str, Option<Limits>, Option<Broken>); 5] = [
        ("knows only the name", None, Some(|inner| Box::new(Alone(inner)))),
        ("goes by sizes alone", None, Some(|inner| Box::new(Blind(inner)))),
        ("goes by inode numbers", None, Some(|inner| Box::new(Unborn(inner)))),
        ("never sees another file", None, Some(|inner| Box::new(Stuck(inner)))),
        ("does not wait for late writers", Some(impatient), None),
    ];
    for (what, limits, broken) in broken {
        let after = found_out(limits, broken);
        eprintln!("a follower that {what} is found out after {after:?} schedules");
        assert!(after.is_some(), "a follower that {what} goes through with it");
    }
}

/// Forwards to the place within all that is not defined here.
macro_rules! forward {
    (look) => {
        fn look(&self) -> Result<Stat, Absent> {
            self.0.look()
        }
    };
    (open) => {
        fn open(&self) -> Result<Arc<dyn File>, Absent> {
            self.0.open()
        }
    };
    (siblings) => {
        fn siblings(&self) -> Vec<Sibling> {
            self.0.siblings()
        }
    };
    (open_sibling) => {
        fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent> {
            self.0.open_sibling(name)
        }
    };
    (name) => {
        fn name(&self) -> String {
            self.0.name()
        }
    };
    ($($which:ident)*) => {
        $(forward!($which);)*
    };
}

/// Sees nothing beside the log: loses what was rotated between two looks, and every copy.
struct Alone(Box<dyn Place>);

impl Place for Alone {
    forward!(look open open_sibling name);

    fn siblings(&self) -> Vec<Sibling> {
        Vec::new()
    }
}

/// Takes every file for one of the same age: a number that is given out again is the same file.
struct Unborn(Box<dyn Place>);

fn unborn(stat: Stat) -> Stat {
    Stat { identity: Identity { birth: 0, ..stat.identity }, ..stat }
}

struct UnbornFile(Arc<dyn File>);

impl Place for Unborn {
    fn look(&self) -> Result<Stat, Absent> {
        self.0.look().map(unborn)
    }

    fn open(&self) -> Result<Arc<dyn File>, Absent> {
        Ok(Arc::new(UnbornFile(self.0.open()?)))
    }

    fn siblings(&self) -> Vec<Sibling> {
        let siblings = self.0.siblings().into_iter();
        siblings.map(|sibling| Sibling { stat: unborn(sibling.stat), ..sibling }).collect()
    }

    fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent> {
        Ok(Arc::new(UnbornFile(self.0.open_sibling(name)?)))
    }

    fn name(&self) -> String {
        self.0.name()
    }
}

impl ReadAt for UnbornFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl File for UnbornFile {
    fn stat(&self) -> io::Result<Stat> {
        self.0.stat().map(unborn)
    }
}

/// Finds before every offset what it found there first: only the size tells it of a cut.
struct Blind(Box<dyn Place>);

struct BlindFile {
    inner: Arc<dyn File>,
    before: Mutex<HashMap<(u64, usize), Vec<u8>>>,
}

impl Place for Blind {
    forward!(look siblings open_sibling name);

    fn open(&self) -> Result<Arc<dyn File>, Absent> {
        let (inner, before) = (self.0.open()?, Mutex::default());
        Ok(Arc::new(BlindFile { inner, before }))
    }
}

impl ReadAt for BlindFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if buf.len() as u64 > Fingerprint::REACH {
            return self.inner.read_at(buf, offset);
        }
        let mut before = self.before.lock().expect("nobody panicked");
        if let Some(known) = before.get(&(offset, buf.len())) {
            return known.read_at(buf, 0);
        }
        let read = self.inner.read_at(buf, offset)?;
        if let Some(known) = buf.get(..read) {
            before.insert((offset, buf.len()), known.to_vec());
        }
        Ok(read)
    }
}

impl File for BlindFile {
    fn stat(&self) -> io::Result<Stat> {
        self.inner.stat()
    }
}

/// Goes on with the file that it opened, though the name leads to another.
struct Stuck(Box<dyn Place>);

impl Place for Stuck {
    forward!(open siblings open_sibling name);

    fn look(&self) -> Result<Stat, Absent> {
        let stat = self.0.look()?;
        Ok(Stat { identity: Identity { device: 0, inode: 0, birth: 0 }, ..stat })
    }
}
