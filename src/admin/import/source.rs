//! Reads the lines of a dump from a file or standard input, plain or compressed.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read, stdin};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::dump::{DumpError, LINE_BYTES_MAX, TOO_LONG};
use super::gzip::{GzipMembers, NotGzip};
use super::postgresql;
use crate::admin::error::AdminError;

/// Bytes per read: so many that system calls cost nothing beside decompression.
const BUFFER_BYTES: usize = 256 * 1024;

/// Memory that unpacking may take: xz -9 needs 65 MiB. Its largest dictionary takes 1.5 GiB, which
/// a file of some KB may ask for.
const XZ_MEMORY_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Longest of the signatures below.
const MAGIC_BYTES: usize = 6;

/// How long a FIFO is waited for that nobody writes to: a writer that is started at the same time
/// is there long before.
const WRITER_SECONDS_MAX: i64 = 5;

/// A dump that is being read.
pub struct DumpSource {
    reader: Box<dyn BufRead>,
    path: PathBuf,
    /// Bytes of padding behind the compressed data.
    padding_bytes: Rc<Cell<u64>>,
}

/// The kind of a file by its first bytes.
#[derive(Debug, PartialEq, Eq)]
enum Format {
    Plain,
    Gzip,
    Xz,
    /// A kind that is refused, with the remedy.
    Other(&'static str),
}

fn format_of(magic: &[u8]) -> Format {
    match magic {
        [0x1f, 0x8b, ..] => Format::Gzip,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Format::Xz,
        [b'P', b'G', b'D', b'M', b'P', ..] => Format::Other(
            "it is a dump in pg_dump's custom format; `pg_restore -f - FILE | heliostat import \
             mirrorbrain -` makes it plain",
        ),
        [b't', b'o', b'c', b'.', b'd', b'a', ..] => Format::Other(
            "it is a dump in pg_dump's tar format; `pg_restore -f - FILE | heliostat import \
             mirrorbrain -` makes it plain",
        ),
        [b'B', b'Z', b'h', ..] => Format::Other(
            "it is compressed by bzip2; `bzip2 -dc FILE | heliostat import mirrorbrain -` reads it",
        ),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Format::Other(
            "it is compressed by zstd; `zstd -dc FILE | heliostat import mirrorbrain -` reads it",
        ),
        [0x04, 0x22, 0x4d, 0x18, ..] => Format::Other(
            "it is compressed by lz4; `lz4 -dc FILE | heliostat import mirrorbrain -` reads it",
        ),
        [b'L', b'Z', b'I', b'P', ..] => Format::Other(
            "it is compressed by lzip; `lzip -dc FILE | heliostat import mirrorbrain -` reads it",
        ),
        [b'P', b'K', 3, 4, ..] => Format::Other(
            "it is a zip archive; `unzip -p FILE | heliostat import mirrorbrain -` reads it",
        ),
        [0x1f, 0x9d, ..] => Format::Other(
            "it is compressed by compress; `gzip -dc FILE | heliostat import mirrorbrain -` reads \
             it",
        ),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Format::Other(
            "it is text in UTF-16; `iconv -f UTF-16 -t UTF-8 FILE | heliostat import mirrorbrain \
             -` reads it",
        ),
        _ => Format::Plain,
    }
}

/// Opens a dump; `-` is standard input, `postgresql://…` a database.
///
/// # Errors
/// Returns [`AdminError::File`] if a file cannot be read or written, and
/// [`AdminError::NotThisDump`] if the file is another dump.
pub fn open(path: &Path) -> Result<DumpSource, AdminError> {
    let failed = |source| AdminError::File {
        doing: "read the dump",
        path: postgresql::shown(path),
        source,
    };
    let shown = postgresql::shown(path);
    let mut raw: Box<dyn Read> = match postgresql::address(path) {
        Some(address) => postgresql::open(address)?,
        None if path.as_os_str() == "-" => Box::new(stdin()),
        None => open_file(path)?,
    };
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    let mut head = (&mut raw).take(MAGIC_BYTES as u64);
    head.read_to_end(&mut magic).map_err(failed)?;
    let format = format_of(&magic);
    let raw = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(magic).chain(raw));
    let padding_bytes = Rc::new(Cell::new(0));
    let reader: Box<dyn BufRead> = match format {
        Format::Plain => Box::new(raw),
        Format::Gzip => buffered(GzipMembers::new(raw, Rc::clone(&padding_bytes))),
        Format::Xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY_BYTES_MAX, CONCATENATED)
                .map_err(|error| failed(error.into()))?;
            buffered(XzDecoder::new_stream(raw, stream))
        }
        Format::Other(problem) => {
            return Err(AdminError::NotThisDump {
                path: path.to_owned(),
                problem: problem.to_owned(),
            });
        }
    };
    Ok(DumpSource {
        reader,
        path: shown,
        padding_bytes,
    })
}

/// Opens a file, or a FIFO that somebody writes to, such as `<(zcat dump.gz)`.
fn open_file(path: &Path) -> Result<Box<dyn Read>, AdminError> {
    let failed = |source| AdminError::File {
        doing: "read the dump",
        path: path.to_owned(),
        source,
    };
    // Opening a FIFO otherwise waits for a writer, for ever.
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits())
        .map_err(|error| failed(std::io::Error::other(error)))?;
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(failed)?;
    let is_fifo = file.metadata().map_err(failed)?.file_type().is_fifo();
    let begun = if is_fifo {
        first_byte(&mut file).map_err(failed)?
    } else {
        Some(Vec::new())
    };
    let Some(begun) = begun else {
        return Err(AdminError::NotThisDump {
            path: path.to_owned(),
            problem: format!(
                "it is a FIFO that nobody writes to, for {WRITER_SECONDS_MAX} s now; start the \
                 writer first, or pipe the dump: `zcat FILE | heliostat import mirrorbrain -`"
            ),
        });
    };
    let blocking = fcntl_getfl(&file).map(|flags| flags.difference(OFlags::NONBLOCK));
    blocking
        .and_then(|flags| fcntl_setfl(&file, flags))
        .map_err(|error| failed(error.into()))?;
    Ok(Box::new(Cursor::new(begun).chain(file)))
}

/// Waits for a FIFO's writer: its first byte, nothing from one that has not written yet or is done,
/// or `None` if there is no writer.
fn first_byte(fifo: &mut File) -> std::io::Result<Option<Vec<u8>>> {
    let time_limit = Timespec {
        tv_sec: WRITER_SECONDS_MAX,
        tv_nsec: 0,
    };
    let mut waited = [PollFd::new(fifo, PollFlags::IN)];
    poll(&mut waited, Some(&time_limit))?;
    let was_there = !waited[0].revents().is_empty();
    let mut byte = [0];
    match fifo.read(&mut byte) {
        Ok(0) if was_there => Ok(Some(Vec::new())),
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(byte.to_vec())),
        // Only a FIFO with a writer would have a reader wait.
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Some(Vec::new())),
        Err(error) => Err(error),
    }
}

fn buffered(reader: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}

impl DumpSource {
    /// Gives each line without its line feed, and whether it had one; returns how many bytes of
    /// padding follow the compressed data.
    ///
    /// # Errors
    /// Those of `give`; [`AdminError::Dump`] when compressed data is cut or a line too long;
    /// [`AdminError::File`].
    pub fn for_each_line(
        mut self,
        mut give: impl FnMut(&[u8], bool) -> Result<(), AdminError>,
    ) -> Result<u64, AdminError> {
        let mut line = Vec::new();
        for number in 0.. {
            line.clear();
            let mut limited = (&mut self.reader).take(LINE_BYTES_MAX as u64 + 1);
            let length = limited
                .read_until(b'\n', &mut line)
                .map_err(|error| self.failed(number, error))?;
            if length == 0 {
                break;
            }
            if length > LINE_BYTES_MAX {
                return Err(AdminError::Dump(DumpError::Syntax {
                    line: number + 1,
                    problem: format!("it is longer than {LINE_BYTES_MAX} bytes; {TOO_LONG}"),
                }));
            }
            match line.strip_suffix(b"\n") {
                Some(line) => give(line, true)?,
                None => give(&line, false)?,
            }
        }
        Ok(self.padding_bytes.get())
    }

    fn failed(&self, line: u64, source: std::io::Error) -> AdminError {
        if source.kind() == ErrorKind::UnexpectedEof {
            return AdminError::Dump(DumpError::Cut {
                line,
                place: "in the middle of the compressed data".to_owned(),
            });
        }
        match packing_problem(&source) {
            Some(problem) => AdminError::NotThisDump {
                path: self.path.clone(),
                problem,
            },
            None => AdminError::File {
                doing: "read the dump",
                path: self.path.clone(),
                source,
            },
        }
    }
}

/// Why compressed data cannot be unpacked, with the remedy; `None` if the file cannot be read.
fn packing_problem(source: &std::io::Error) -> Option<String> {
    let inner = source.get_ref();
    if inner.is_some_and(|inner| inner.is::<NotGzip>()) {
        return Some(format!(
            "{source}; `gzip -dc FILE | heliostat import mirrorbrain -` reads it without them, if \
             nothing is missing"
        ));
    }
    let xz = inner.and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
    if matches!(xz, Some(liblzma::stream::Error::MemLimit)) {
        return Some(format!(
            "unpacking it takes more than {XZ_MEMORY_BYTES_MAX} bytes of memory; `xz -dc FILE | \
             heliostat import mirrorbrain -` unpacks it outside"
        ));
    }
    let is_damaged = xz.is_some()
        || matches!(
            source.kind(),
            ErrorKind::InvalidData | ErrorKind::InvalidInput
        );
    is_damaged
        .then(|| format!("its compressed data is damaged ({source}); copy it again, or dump again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    fn lines(path: &Path) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        open(path)
            .and_then(|source| {
                source.for_each_line(|line, _| {
                    lines.push(String::from_utf8_lossy(line).into_owned());
                    Ok(())
                })
            })
            .map_err(|error| crate::program::exit::chain(&error))?;
        Ok(lines)
    }

    #[test]
    fn plain_gzip_and_xz_are_told_by_their_first_bytes_and_cuts_are_found() {
        let folder = tempfile::tempdir().expect("folder");
        let text: String = (0..5000)
            .map(|n| format!("line {n} {}\n", n * 7919))
            .collect();
        let expected: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).expect("gzip");
        let gzip = gzip.finish().expect("gzip");
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(text.as_bytes()).expect("xz");
        let xz = xz.finish().expect("xz");
        let read = |name, bytes: &[u8]| lines(&write(folder.path(), name, bytes));
        assert_eq!(read("plain", text.as_bytes()), Ok(expected.clone()));
        for packed in [&gzip, &xz] {
            assert_eq!(read("whole", packed), Ok(expected.clone()));
            let twice = [packed.as_slice(), packed].concat();
            assert_eq!(
                read("two members", &twice).map(|lines| lines.len()),
                Ok(10_000)
            );
            for cut in [
                7,
                11,
                20,
                packed.len() / 2,
                packed.len() - 9,
                packed.len() - 1,
            ] {
                let error = read("cut", &packed[..cut]).expect_err("cut");
                assert!(error.contains("is cut"), "{cut}: {error}");
            }
        }
        assert_eq!(read("empty", b""), Ok(Vec::new()));
        assert_eq!(
            read("no line feed", b"a\nb"),
            Ok(vec!["a".into(), "b".into()])
        );
    }

    #[test]
    fn other_formats_are_named_with_what_to_do() {
        let folder = tempfile::tempdir().expect("folder");
        for (bytes, expected) in [
            (&b"PGDMP\x01"[..], "pg_restore"),
            (b"toc.dat\0", "pg_restore"),
            (b"BZh91AY", "bzip2 -dc"),
            (b"\x28\xb5\x2f\xfd\x00", "zstd -dc"),
        ] {
            let error = lines(&write(folder.path(), "dump", bytes)).expect_err("refused");
            assert!(error.contains(expected), "{error}");
        }
        let error = lines(Path::new("/nowhere/dump")).expect_err("missing");
        assert!(
            error.contains("cannot read the dump /nowhere/dump: No such file"),
            "{error}"
        );
    }
}
