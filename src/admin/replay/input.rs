//! Reads logs, plain or packed, in blocks of whole lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, stdin};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use memchr::{memchr_iter, memrchr};
use ruzstd::decoding::StreamingDecoder;

/// Bytes of a block: enough that handing it over costs nothing beside its lines.
const BLOCK_BYTES: usize = 256 * 1024;
/// Read at a time.
const BUFFER_BYTES: usize = 256 * 1024;
/// Memory that unpacking may take: xz -9 needs 65 MiB.
const XZ_MEMORY_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Longest of the signatures.
const MAGIC_BYTES: u64 = 6;

/// Some lines of a log.
#[derive(Debug)]
pub(in crate::admin) struct LogBlock {
    /// Number of the file on the command line, from 0.
    pub file: usize,
    /// Number of its first line, from 1.
    pub first_line: u64,
    /// Whole lines; the last one of a file may lack its line feed.
    pub bytes: Vec<u8>,
}

/// A log that is being read.
pub(in crate::admin) struct LogInput {
    reader: Box<dyn BufRead>,
    file: usize,
    next_line: u64,
    /// Bytes behind the last line feed of the last block.
    begun: Vec<u8>,
    /// Whether the rest of a line that is too long is being passed over.
    skips: bool,
    is_at_end: bool,
    /// The error that ended the input early; lines before it come first.
    failure: Option<io::Error>,
}

/// Adds up the bytes of all logs. Absent if one of them is no regular file.
pub(super) fn total_bytes(paths: &[PathBuf]) -> Option<u64> {
    let bytes = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.is_file().then_some(metadata.len())
    };
    paths.iter().map(bytes).sum()
}

impl LogInput {
    /// Opens a log; `-` is standard input. Bytes of the file are counted in `read`.
    ///
    /// # Errors
    /// Returns the error of the file system, or of a library that cannot read the packed bytes.
    pub(in crate::admin) fn open(
        file: usize,
        path: &Path,
        read: &Arc<AtomicU64>,
    ) -> io::Result<LogInput> {
        let raw: Box<dyn Read> = match path.as_os_str().as_encoded_bytes() {
            b"-" => Box::new(stdin()),
            _ => Box::new(File::open(path)?),
        };
        let mut raw = CountingReader {
            raw,
            read: Arc::clone(read),
        };
        let mut magic = Vec::new();
        (&mut raw).take(MAGIC_BYTES).read_to_end(&mut magic)?;
        let kind: [u8; 4] = std::array::from_fn(|at| magic.get(at).copied().unwrap_or(0));
        let raw = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(magic).chain(raw));
        let reader: Box<dyn BufRead> = match kind {
            [0x1f, 0x8b, ..] => buffered(MultiGzDecoder::new(raw)),
            [b'B', b'Z', b'h', _] => buffered(MultiBzDecoder::new(raw)),
            [0xfd, b'7', b'z', b'X'] => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY_BYTES_MAX, CONCATENATED)?;
                buffered(XzDecoder::new_stream(raw, stream))
            }
            [0x28, 0xb5, 0x2f, 0xfd] => buffered(ZstdFrames {
                raw: Some(raw),
                frame: None,
            }),
            _ => Box::new(raw),
        };
        Ok(LogInput {
            reader,
            file,
            next_line: 1,
            begun: Vec::new(),
            skips: false,
            is_at_end: false,
            failure: None,
        })
    }

    /// Gives the next lines. Absent at the end. Of a line longer than a block, only the beginning
    /// comes.
    ///
    /// # Errors
    /// Returns the error of the file system, or of packed data that is damaged or cut.
    pub(in crate::admin) fn next_block(&mut self) -> io::Result<Option<LogBlock>> {
        while !self.is_at_end {
            let mut bytes = std::mem::take(&mut self.begun);
            let room = (BLOCK_BYTES - bytes.len().min(BLOCK_BYTES)) as u64;
            let before = bytes.len();
            let read = self.reader.by_ref().take(room).read_to_end(&mut bytes);
            self.failure = read.err();
            self.is_at_end = ((bytes.len() - before) as u64) < room;
            if self.skips {
                let Some(end) = memchr::memchr(b'\n', &bytes) else {
                    continue;
                };
                bytes.drain(..=end);
                self.skips = false;
            }
            if !self.is_at_end {
                match memrchr(b'\n', &bytes) {
                    Some(end) => self.begun = bytes.split_off(end + 1),
                    None => self.skips = bytes.len() >= BLOCK_BYTES,
                }
            }
            if bytes.is_empty() {
                continue;
            }
            let feeds = memchr_iter(b'\n', &bytes).count() as u64;
            let is_whole = bytes.ends_with(b"\n");
            let first_line = self.next_line;
            self.next_line += feeds + u64::from(!is_whole);
            return Ok(Some(LogBlock {
                file: self.file,
                first_line,
                bytes,
            }));
        }
        self.failure.take().map_or(Ok(None), Err)
    }
}

fn buffered(reader: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}

/// Counts the bytes that are read.
struct CountingReader {
    raw: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// The frames of a file of zstd, one after the other: a file that was appended to has several.
struct ZstdFrames<R: BufRead> {
    /// `None` while a frame is being read.
    raw: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let length = frame.read(buffer)?;
                if length > 0 || buffer.is_empty() {
                    return Ok(length);
                }
            }
            if let Some(frame) = self.frame.take() {
                self.raw = Some(frame.into_inner());
            }
            let Some(mut raw) = self.raw.take() else {
                return Ok(0);
            };
            if raw.fill_buf()?.is_empty() {
                self.raw = Some(raw);
                return Ok(0);
            }
            let frame = StreamingDecoder::new(raw).map_err(io::Error::other)?;
            self.frame = Some(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn blocks(bytes: &[u8]) -> Vec<LogBlock> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        let read = Arc::new(AtomicU64::new(0));
        let mut input = LogInput::open(0, file.path(), &read).expect("it opens");
        let mut blocks = Vec::new();
        while let Some(block) = input.next_block().expect("it is read") {
            blocks.push(block);
        }
        assert_eq!(read.load(Ordering::Relaxed), bytes.len() as u64);
        blocks
    }

    #[test]
    fn blocks_have_whole_lines_and_know_their_numbers() {
        let text: Vec<u8> = (0..60_000)
            .flat_map(|number| format!("line {number}\n").into_bytes())
            .collect();
        let text = [&text[..], b"the last"].concat();
        let blocks = blocks(&text);
        assert!(blocks.len() > 2);
        for block in &blocks {
            let first = String::from_utf8_lossy(&block.bytes);
            let first = first.lines().next().unwrap_or_default().to_owned();
            let expected = match block.first_line {
                60_001 => "the last".to_owned(),
                line => format!("line {}", line - 1),
            };
            assert_eq!(first, expected);
        }
        let all: Vec<u8> = blocks.into_iter().flat_map(|block| block.bytes).collect();
        assert!(all == text);
    }

    #[test]
    fn a_line_that_is_too_long_takes_one_number_and_no_memory() {
        let text = [&[b'x'; 3 * BLOCK_BYTES][..], b"\nnext\n"].concat();
        let blocks = blocks(&text);
        assert!(blocks.iter().all(|block| block.bytes.len() <= BLOCK_BYTES));
        let last = blocks.last().expect("a block");
        assert_eq!((last.first_line, &last.bytes[..]), (2, &b"next\n"[..]));
    }
}
