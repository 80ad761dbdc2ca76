//! Recognises type and permissions (`-rw-r--r--`) at the start of a line, for the readers of FTP's
//! and rsync's listings.

/// Length of type and permissions: `-rwxrwxrwx`.
pub(super) const MODE_BYTES: usize = 10;

/// Index of "others may read" in the mode.
pub(super) const OTHERS_READ: usize = 7;

/// Whether a line begins like a mode (`drwx…`), even if some of its letters are unknown.
pub(super) fn begins_like_mode(line: &[u8]) -> bool {
    let like = |index: usize, letters: &[u8]| {
        line.get(index)
            .is_some_and(|letter| letters.contains(letter))
    };
    let mut words = line.split(|&byte| byte == b' ');
    let is_rule = words
        .next()
        .is_some_and(|word| word.iter().all(|&byte| byte == b'-'));
    !is_rule && like(0, b"-dlbcpsD?") && like(1, b"r-?") && like(2, b"w-?") && like(3, b"xsS-tTlL?")
}
