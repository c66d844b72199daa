//! The files beside a log as its earlier generations: one text, oldest first, whose positions keep
//! their meaning through renaming, compressing and new beginnings.

mod folder;
mod schedule;

use tailwater_protocol::{Began, Damage, Loss};

use folder::{Folder, lines};

/// That two texts are the same, said in a few words.
fn same(text: &[u8], expected: &[u8]) {
    let lives = |text: &[u8]| -> Vec<String> {
        let lines = text.split(|&byte| byte == b'\n');
        let mut words: Vec<String> = lines
            .map(|line| String::from_utf8_lossy(line.get(..7).unwrap_or(line)).into_owned())
            .collect();
        words.dedup();
        words
    };
    assert!(text == expected, "{:?} instead of {:?}", lives(text), lives(expected));
}

#[test]
fn what_lies_beside_a_log_comes_before_it() {
    let folder = Folder::new();
    folder.write("app.log", &lines(9, 20));
    folder.write("app.log.1", &lines(8, 20));
    folder.gzip("app.log.2.gz", &lines(7, 20));
    folder.zstd("app.log.3.zst", &lines(6, 20));
    folder.gzip("app.log-20261101.gz", &lines(5, 20));
    folder.date("app.log-20261101.gz", 5);
    folder.write("app-2026-10-01.log", &lines(4, 20));
    folder.date("app-2026-10-01.log", 4);
    folder.write("other.log.1", b"none of it\n");
    let mut log = folder.log();
    log.settle();
    let history = log.history();
    let names: Vec<&str> = history.generations.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "app-2026-10-01.log",
            "app.log-20261101.gz",
            "app.log.3.zst",
            "app.log.2.gz",
            "app.log.1",
            "app.log"
        ]
    );
    let began: Vec<Began> = history.generations.iter().map(|g| g.began).collect();
    assert_eq!(began[0], Began::Found);
    assert!(began[1..].iter().all(|&began| began == Began::Rotated), "{began:?}");
    same(&log.text(), &(4..10).flat_map(|n| lines(n, 20)).collect::<Vec<u8>>());
    history.generations.iter().for_each(|g| g.verify().expect("unchanged"));
}

#[test]
fn copies_are_shown_once() {
    let folder = Folder::new();
    folder.write("app.log", &lines(9, 20));
    folder.write("app.log.bak", &lines(9, 20));
    folder.write("app.log.20261121", &lines(9, 15));
    folder.write("app.log.1", &lines(8, 20));
    folder.write("app.log-20261120", &lines(8, 20));
    // The plain one is deleted when the compressed one is whole.
    folder.write("app.log.2", &lines(7, 20));
    folder.gzip("app.log.2.gz", &lines(7, 20));
    folder.gzip("app.log.3.gz", &lines(8, 20));
    let mut log = folder.log();
    log.settle();
    same(&log.text(), &[lines(7, 20), lines(8, 20), lines(9, 20)].concat());
}

#[test]
fn files_that_begin_alike_are_others() {
    let folder = Folder::new();
    let day = |n: u32| [b"#Fields: date time".repeat(200), b"\n".to_vec(), lines(n, 20)].concat();
    folder.write("app.log", &day(9));
    folder.gzip("app.log.1.gz", &day(8));
    folder.write("app.log.2", &day(7));
    folder.gzip("app.log.3.gz", &day(6));
    let mut log = folder.log();
    log.settle();
    same(&log.text(), &(6..10).flat_map(day).collect::<Vec<u8>>());
}

#[test]
fn a_compressed_file_is_shown_when_it_is_whole() {
    let folder = Folder::new();
    folder.write("app.log", &lines(9, 20));
    folder.gzip("app.log.1.gz", &lines(8, 4000));
    let whole = folder.read("app.log.1.gz");
    folder.write("app.log.1.gz", &whole[..whole.len() / 2]);
    let mut log = folder.log();
    log.settle();
    same(&log.text(), &lines(9, 20));
    folder.write("app.log.1.gz", &whole);
    log.settle();
    same(&log.text(), &[lines(8, 4000), lines(9, 20)].concat());
    // What nobody finishes is taken as it is, and said to be so.
    folder.write("app.log.1.gz", &whole[..whole.len() / 2]);
    log.wait(10_000);
    log.settle();
    let first = log.history().generations[0].clone();
    assert_eq!(first.lost, Some(Loss::Damaged(Damage::Truncated)));
    assert!(first.bytes > 0 && lines(8, 4000).starts_with(&log.text()[..first.bytes as usize]));
}

#[test]
fn what_cannot_be_read_is_said_and_breaks_nothing() {
    let folder = Folder::new();
    folder.write("app.log", &lines(9, 20));
    folder.write("app.log.1.gz", b"plain text, whatever its name says\n");
    folder.write("app.log.2.gz", &[&[0x1f, 0x8b, 8, 0][..], &[0xff; 400]].concat());
    folder.write("app.log.3.zst", &[0x28, 0xb5, 0x2f, 0xfd, 0, 0xf0, 1, 0, 0]);
    folder.write("app.log.4", b"");
    let mut log = folder.log();
    log.wait(10_000);
    log.settle();
    let history = log.history();
    let lost: Vec<Option<Loss>> = history.generations.iter().map(|g| g.lost).collect();
    let damaged = |damage| Some(Loss::Damaged(damage));
    assert_eq!(lost, [damaged(Damage::Window), damaged(Damage::Corrupt), None, None]);
    let plain = b"plain text, whatever its name says\n".to_vec();
    same(&log.text(), &[plain, lines(9, 20)].concat());
}

#[test]
fn a_position_outlives_rotation_compression_and_a_new_beginning() {
    let folder = Folder::new();
    folder.write("app.log", &lines(1, 3));
    let mut log = folder.log();
    log.settle();
    folder.append("app.log", &lines(1, 300)[lines(1, 3).len()..]);
    log.settle();
    let id = log.history().generations[0].id;
    // While it is watched.
    folder.rename("app.log", "app.log.1");
    folder.write("app.log", &lines(2, 300));
    log.settle();
    folder.compress("app.log.1");
    log.settle();
    log.wait(60_000);
    log.settle();
    let history = log.history();
    assert_eq!(history.generations[0].id, id);
    assert_eq!(
        (history.generations[0].name.as_str(), history.generations[0].lost),
        ("app.log.1.gz", None)
    );
    let second = history.generations[1].id;
    // While nobody looks.
    let records = log.end();
    folder.rename("app.log.1.gz", "app.log.2.gz");
    folder.rename("app.log", "app.log.1");
    folder.compress("app.log.1");
    folder.write("app.log", &lines(3, 10));
    let mut log = folder.log_with(records);
    log.settle();
    let ids: Vec<_> = log.history().generations.iter().map(|g| g.id).collect();
    assert_eq!(ids[..2], [id, second]);
    same(&log.text(), &[lines(1, 300), lines(2, 300), lines(3, 10)].concat());
}

#[test]
fn a_log_that_was_copied_and_cut_is_none_that_it_was() {
    let folder = Folder::new();
    folder.write("app.log", &lines(1, 300));
    let mut log = folder.log();
    log.settle();
    folder.write("app.log.1", &lines(1, 300));
    folder.write("app.log", &lines(2, 100));
    log.settle();
    let ids = |log: &folder::Log| -> Vec<_> {
        log.history().generations.iter().map(|generation| generation.id).collect()
    };
    let before = ids(&log);
    assert_eq!(before.len(), 2);
    // The file has the identity that the first had: an id that went by it alone would lead astray.
    let mut log = folder.log_with(log.end());
    log.settle();
    assert_eq!(ids(&log), before);
    // It is cut once more while nobody looks.
    let records = log.end();
    folder.rename("app.log.1", "app.log.2");
    folder.write("app.log.1", &lines(2, 100));
    folder.write("app.log", &lines(3, 100));
    let mut log = folder.log_with(records);
    log.settle();
    let after = ids(&log);
    assert_eq!(after[..2], before);
    assert!(!before.contains(&after[2]));
    same(&log.text(), &[lines(1, 300), lines(2, 100), lines(3, 100)].concat());
}

#[test]
fn only_so_many_files_are_open() {
    let folder = Folder::new();
    folder.write("app.log", &lines(200, 20));
    for number in 1..=60 {
        let name = format!("app.log.{number}");
        folder.write(&name, &lines(200 - number, 20));
        if number % 2 == 0 {
            folder.compress(&name);
        }
    }
    let mut log = folder.log();
    log.settle();
    assert_eq!(log.history().generations.len(), 61);
    same(&log.text(), &(140..=200).flat_map(|n| lines(n, 20)).collect::<Vec<u8>>());
    assert!(log.shelf.open() <= 32, "{} are open", log.shelf.open());
    drop(log.end());
}
