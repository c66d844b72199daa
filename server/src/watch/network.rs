//! File systems whose changes the kernel does not announce, since others make them.

use std::path::Path;

/// Why changes at `path` go unannounced, if its file system is such a one.
pub(super) fn unannounced(path: &Path) -> Option<&'static str> {
    // The kernel's magic numbers of file systems, from linux/magic.h and the file systems' own
    // headers.
    const KINDS: [(u64, &str); 10] = [
        (0x6969, "NFS mount"),
        (0x517b, "SMB mount"),
        (0xff53_4d42, "CIFS mount"),
        (0xfe53_4d42, "SMB mount"),
        (0x6573_5546, "FUSE mount"),
        (0x0102_1997, "9p mount"),
        (0x00c3_6400, "Ceph mount"),
        (0x0bd0_0bd0, "Lustre mount"),
        (0x4750_4653, "GPFS mount"),
        (0x5346_414f, "AFS mount"),
    ];
    let stat = rustix::fs::statfs(path).ok()?;
    let magic = stat.f_type as u64 & 0xffff_ffff;
    KINDS.iter().find_map(|&(known, name)| (known == magic).then_some(name))
}
