//! Writes names so that a shell takes them as they are.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path as one word of a shell.
pub(super) fn word(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(byte);
    let begins_plain = !bytes.is_empty() && bytes[0] != b'-' && bytes[0] != b'=';
    match std::str::from_utf8(bytes) {
        Ok(text) if begins_plain && bytes.iter().all(is_plain) => text.to_owned(),
        Ok(text) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', "'\\''"))
        }
        // bash and zsh know $'…'; dash will, too (POSIX 2024).
        _ => format!("$'{}'", escaped(bytes)),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let escape = |&byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    };
    bytes.iter().map(escape).collect()
}

/// A text as one word of a shell.
pub(super) fn text_word(text: &str) -> String {
    word(Path::new(text))
}

/// Paths as words of a shell.
pub(super) fn words<'p>(paths: impl IntoIterator<Item = &'p Path>) -> String {
    let words: Vec<String> = paths.into_iter().map(word).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn a_shell_reads_each_name_as_it_is() {
        let names: [&[u8]; 7] = [
            b"/srv/download/x-1.iso",
            b"/srv/two words/$HOME",
            b"/srv/it's",
            b"/srv/\xff\xfe",
            b"/srv/a\nb'c\\d",
            b"/srv/a;rm -rf x",
            "/srv/\u{fc}\u{202e}".as_bytes(),
        ];
        for name in names {
            let word = word(Path::new(OsStr::from_bytes(name)));
            assert!(!word.contains('\n'), "{word}");
            let script = format!("printf %s {word}");
            let output = std::process::Command::new("bash")
                .args(["-c", &script])
                .output();
            assert_eq!(output.expect("bash runs").stdout, name, "{word}");
        }
        assert_eq!(word(Path::new("/srv/download")), "/srv/download");
        assert_eq!(text_word("-rf"), "'-rf'");
    }
}
