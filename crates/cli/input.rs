//! Histories from files and from the standard input, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::failure::Failure;

/// What a file compressed with gzip begins with.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// What names the standard input.
const STDIN: &str = "-";

/// A history, and what messages call it.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) text: Box<dyn BufRead>,
}

/// Opens a history. What begins as gzip does is decompressed, however it is called.
pub(crate) fn open(path: &Path) -> Result<Input, Failure> {
    if path == Path::new(STDIN) {
        let name = "standard input".to_owned();
        let text = decompressed(io::stdin().lock());
        let text = text.map_err(|error| Failure::file(Path::new(&name), "read", &error))?;
        return Ok(Input { name, text });
    }
    let failed = |error: io::Error| Failure::file(path, "read", &error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(io::Error::other("it is a directory")));
    }
    let text = decompressed(BufReader::new(file)).map_err(failed)?;
    Ok(Input { name: path.display().to_string(), text })
}

/// The file that a path of [`open`] names, unless it is the standard input.
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
