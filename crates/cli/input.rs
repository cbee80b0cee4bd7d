//! Histories from files and from the standard input, compressed or not.
//!
//! > **The rule.** A history can be read again from its beginning. The standard input cannot, so it
//! > is copied to a temporary file as it is read for the first time.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, Write};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::failure::Failure;

/// What a file compressed with gzip begins with.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// What names the standard input.
const STDIN: &str = "-";

/// A history, and what messages call it.
pub(crate) struct Source {
    pub(crate) name: String,
    file: File,
    /// What can be read only once, until it was; the file is the copy.
    once: Cell<Option<Box<dyn Read>>>,
}

/// Finds a history.
pub(crate) fn source(path: &Path) -> Result<Source, Failure> {
    let is_stdin = path == Path::new(STDIN);
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let failed = |error: io::Error| Failure::file(Path::new(&name), "read", &error);
    if is_stdin {
        let file = tempfile::tempfile().map_err(failed)?;
        return Ok(Source { name, file, once: Cell::new(Some(Box::new(io::stdin().lock()))) });
    }
    let file = File::open(path).map_err(failed)?;
    let kind = file.metadata().map_err(failed)?.file_type();
    if kind.is_dir() {
        return Err(failed(io::Error::other("it is a directory")));
    }
    if kind.is_file() {
        return Ok(Source { name, file, once: Cell::new(None) });
    }
    let (copy, once) = (tempfile::tempfile().map_err(failed)?, Box::new(file));
    Ok(Source { name, file: copy, once: Cell::new(Some(once)) })
}

impl Source {
    /// The history from its beginning. What begins as gzip does is decompressed, however it is
    /// called.
    pub(crate) fn open(&self) -> Result<Box<dyn BufRead>, Failure> {
        let failed = |error: io::Error| Failure::file(Path::new(&self.name), "read", &error);
        let mut file = self.file.try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        let text = match self.once.take() {
            Some(once) => decompressed(BufReader::new(Copying { once, copy: file })),
            None => decompressed(BufReader::new(file)),
        };
        text.map_err(failed)
    }
}

/// Copies what it reads.
struct Copying {
    once: Box<dyn Read>,
    copy: File,
}

impl Read for Copying {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.once.read(bytes)?;
        self.copy.write_all(&bytes[..read])?;
        Ok(read)
    }
}

/// The file that a path of [`source`] names, unless it is the standard input.
pub(crate) fn file(path: &Path) -> Option<&Path> {
    Some(path).filter(|path| *path != Path::new(STDIN))
}

fn decompressed(mut input: impl BufRead + 'static) -> io::Result<Box<dyn BufRead>> {
    // The first bytes of a pipe may come one at a time.
    let mut first = Vec::new();
    (&mut input).take(GZIP.len() as u64).read_to_end(&mut first)?;
    let is_gzip = first == GZIP;
    let all = io::Cursor::new(first).chain(input);
    if !is_gzip {
        return Ok(Box::new(all));
    }
    Ok(Box::new(BufReader::new(Gzip(MultiGzDecoder::new(all)))))
}

/// What a compressed file holds; errors say what is wrong with the compression.
struct Gzip<R>(MultiGzDecoder<R>);

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => io::Error::other("the gzip data is cut short"),
            ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                io::Error::other(format!("the gzip data is damaged: {error}"))
            }
            _ => error,
        })
    }
}
