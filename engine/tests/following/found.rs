//! Schedules that once lost something, repeated something or never ended. Found by the model,
//! shrunk, and kept by what they broke.

use crate::world::{Op, Op::*, World};
use crate::{HASTY, PATIENT, fake};

const READ: Op = Read { steps: 1, max: 1 };
const ROTATE: Op = Rotate { reopen: false };
const ROTATE_AND_REOPEN: Op = Rotate { reopen: true };

#[test]
fn what_was_found_stays_found() {
    let cases: &[(&str, bool, &[Op])] = &[
        (
            "bytes left behind in a line are lost with their file, and it is said",
            false,
            &[
                Look,
                Create,
                Append(8),
                ROTATE,
                Look,
                RenameBack,
                Read { steps: 3, max: 200 },
                CutAfterCopy,
            ],
        ),
        (
            "a copy made before the first look is no generation of its own",
            false,
            &[Look, Create, Append(1), Copy, Append(1), Look, CutAfterCopy],
        ),
        (
            "a file is written, copied and cut while it was known to be empty",
            false,
            &[Create, Look, Append(1), Copy, CutAfterCopy, Append(1), Append(1)],
        ),
        (
            "two places to go back to are not gone between for ever",
            false,
            &[Look, Create, Append(1), ROTATE_AND_REOPEN, Append(10), READ, ROTATE],
        ),
        (
            "a generation missed while it was empty is written to late",
            false,
            &[Create, Look, ROTATE_AND_REOPEN, AppendLate(1), ROTATE, Look, Append(1)],
        ),
        (
            "a copy of the file that comes next is not taken for one that came before",
            true,
            &[Create, Append(1), Look, CutAfterCopy, ROTATE_AND_REOPEN, Append(1), Copy],
        ),
        (
            "a generation that was read is not begun again after going back",
            true,
            &[
                Create,
                ROTATE_AND_REOPEN,
                Look,
                Append(1),
                ROTATE_AND_REOPEN,
                Append(3),
                Look,
                ROTATE_AND_REOPEN,
                Read { steps: 3, max: 1 },
            ],
        ),
        (
            "a file that came back was cut, and its next life is not the earlier one's",
            false,
            &[
                Create,
                Append(1),
                Look,
                READ,
                ROTATE,
                Look,
                RenameBack,
                CutAndGrow(1),
                ROTATE,
                Append(2),
            ],
        ),
        (
            "a place that was left and not read again is come back to",
            true,
            &[
                Create,
                Append(7),
                Look,
                Append(1),
                ROTATE_AND_REOPEN,
                Append(5),
                Read { steps: 2, max: 7 },
                Restart,
                Look,
                Append(1),
                ReadAll,
                Restart,
            ],
        ),
        (
            "after a restart the order of two lives may be another",
            false,
            &[
                Create,
                Append(73),
                Look,
                READ,
                CutAndGrow(8),
                Copy,
                CutAfterCopy,
                Append(436),
                ROTATE,
                Look,
                Read { steps: 6, max: 307 },
                Restart,
            ],
        ),
        (
            "what a file still has is read before what it has since it came back",
            false,
            &[
                Look,
                Create,
                ROTATE,
                Append(28),
                Look,
                Delete,
                AppendLate(1),
                READ,
                Look,
                RenameBack,
                Read { steps: 3, max: 27 },
                Look,
            ],
        ),
        (
            "a file that comes back after its generation ended goes on in the next",
            true,
            &[
                Create,
                Append(8),
                Look,
                ROTATE,
                Look,
                Wait(24),
                Look,
                Read { steps: 3, max: 200 },
                RenameBack,
            ],
        ),
        (
            "a file that came back and went again grew after its generation had ended",
            true,
            &[
                Create,
                Look,
                ROTATE_AND_REOPEN,
                Look,
                CutAfterCopy,
                Append(1),
                CutAfterCopy,
                Append(4),
                READ,
                Append(1),
                Look,
                READ,
                RenameBack,
                Append(1),
                ROTATE_AND_REOPEN,
            ],
        ),
        (
            "a file that came back was cut and deleted before anybody looked",
            false,
            &[
                Look,
                Create,
                ROTATE,
                Append(7),
                Look,
                RenameBack,
                Read { steps: 2, max: 200 },
                Create,
                CutAndGrow(1),
                Delete,
            ],
        ),
        (
            "a file that came back, was cut, and may not be opened is still held",
            false,
            &[
                Create,
                Look,
                ROTATE,
                Append(7),
                Look,
                READ,
                RenameBack,
                CutAfterCopy,
                Append(1),
                Forbid(true),
                Look,
                CutAfterCopy,
            ],
        ),
        (
            "a hole is like any other hole",
            false,
            &[
                Create,
                Append(68),
                CutUnderWriter(1),
                Copy,
                Look,
                Read { steps: 1, max: 18 },
                CutUnderWriter(1),
                Delete,
                Look,
                Read { steps: 5, max: 17 },
                Restart,
            ],
        ),
        (
            "what is held is read on while its successor may not be opened",
            false,
            &[Create, Look, ROTATE, Forbid(true), Append(1), Look, RenameBack, CutAfterCopy],
        ),
    ];
    for (what, hasty, ops) in cases {
        eprintln!("{what}");
        let limits = if *hasty { HASTY } else { PATIENT };
        World::new(Box::new(fake::Fake::new()), limits, false, *hasty).run(ops);
    }
}
