//! Files that are written.
//!
//! > **The rule.** A file has its old content or all of the new one. What is written goes to a file
//! > beside the target, which takes its place at the end: with the permissions of the old one, and
//! > behind a symbolic link if the target is one. What is no regular file, like a pipe, is written
//! > directly, and so is a file whose directory takes no other.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use same_file::Handle;
use tempfile::NamedTempFile;

/// The files beside targets that are being written, for whoever ends the program.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file that is being written. Dropped before [`Target::finish`], it leaves the old one.
#[derive(Debug)]
pub(crate) enum Target {
    /// A file beside the target, and the target.
    Beside(Unfinished, PathBuf),
    /// The target itself.
    Direct(File),
    /// The target is where the standard output goes.
    Stdout,
}

/// A file that is removed unless it takes the place of another.
#[derive(Debug)]
pub(crate) struct Unfinished(Option<NamedTempFile>);

impl Target {
    /// Begins to write the file that is called so.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(of) if of.is_file() => Self::replace(path, &of),
            Ok(_) => OpenOptions::new().write(true).open(path).map(Self::Direct),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let real = resolved(path);
                Ok(Self::Beside(Unfinished::beside(&real)?, real))
            }
            Err(error) => Err(error),
        }
    }

    /// Lets the target have what was written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self {
            Self::Beside(written, real) => written.take_the_place_of(&real),
            Self::Direct(_) | Self::Stdout => Ok(()),
        }
    }

    fn replace(path: &Path, old: &Metadata) -> io::Result<Self> {
        if is_stdout(path) {
            return Ok(Self::Stdout);
        }
        let direct = OpenOptions::new().write(true).open(path)?;
        let real = fs::canonicalize(path)?;
        let Ok(written) = Unfinished::beside(&real) else {
            direct.set_len(0)?;
            return Ok(Self::Direct(direct));
        };
        written.take_after(old)?;
        Ok(Self::Beside(written, real))
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside(Unfinished(Some(file)), _) => file.write(bytes),
            Self::Beside(Unfinished(None), _) => Ok(0),
            Self::Direct(file) => file.write(bytes),
            Self::Stdout => io::stdout().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Beside(Unfinished(Some(file)), _) => file.flush(),
            Self::Beside(Unfinished(None), _) => Ok(()),
            Self::Direct(file) => file.flush(),
            Self::Stdout => io::stdout().flush(),
        }
    }
}

impl Unfinished {
    /// A new file in the directory of `real`.
    fn beside(real: &Path) -> io::Result<Self> {
        let mut unfinished = unfinished();
        let mut builder = tempfile::Builder::new();
        builder.prefix(".entrega-").suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(directory(real)).map_err(plain)?;
        unfinished.insert(file.path().to_owned());
        Ok(Self(Some(file)))
    }

    /// Gets the permissions of the file that it will replace, and its owner if that is allowed.
    fn take_after(&self, old: &Metadata) -> io::Result<()> {
        let Some(file) = &self.0 else { return Ok(()) };
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            let _not_allowed = fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
        }
        file.as_file().set_permissions(old.permissions())
    }

    fn take_the_place_of(mut self, real: &Path) -> io::Result<()> {
        let Some(file) = self.0.take() else { return Ok(()) };
        let mut unfinished = unfinished();
        unfinished.remove(file.path());
        file.persist(real).map(drop).map_err(|error| error.error)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            unfinished().remove(file.path());
        }
    }
}

/// Removes what was not finished; nothing more is begun or finished. For the end of the program.
pub(crate) fn abandon() -> impl Sized {
    let unfinished = unfinished();
    for file in unfinished.iter() {
        let _gone = fs::remove_file(file);
    }
    unfinished
}

/// Whether a file can be written, as far as that is known without doing it.
pub(super) fn probe(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(of) if of.is_file() || of.is_dir() => {
            OpenOptions::new().write(true).open(path).map(drop)
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let is_there = fs::metadata(directory(&resolved(path)))?.is_dir();
            if is_there { Ok(()) } else { Err(ErrorKind::NotADirectory.into()) }
        }
        Err(error) => Err(error),
    }
}

/// Which file a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// It exists, perhaps under other names too.
    Known(Handle),
    /// It would be made here.
    New(PathBuf),
}

impl Identity {
    /// Nothing, if what it leads to is no regular file: that may be written by several.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match fs::metadata(path) {
            Ok(of) if of.is_file() => Handle::from_path(path).ok().map(Self::Known),
            Err(error) if error.kind() == ErrorKind::NotFound => Some(Self::New(resolved(path))),
            _ => None,
        }
    }

    /// The file that the standard input comes from, if that is a regular one.
    pub(super) fn of_stdin() -> Option<Self> {
        let is_file = |stdin: &Handle| stdin.as_file().metadata().is_ok_and(|of| of.is_file());
        Handle::stdin().ok().filter(is_file).map(Self::Known)
    }
}

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the standard output goes to this file: it must not be replaced under it.
fn is_stdout(path: &Path) -> bool {
    let stdout = Handle::stdout();
    stdout.is_ok_and(|stdout| Handle::from_path(path).is_ok_and(|file| file == stdout))
}

/// The place of a file that need not exist, behind all symbolic links.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    match (fs::canonicalize(directory(&path)), path.file_name()) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => path,
    }
}

/// As many symbolic links as Linux follows.
const MOST_LINKS: usize = 40;

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The error of the system alone: the name of a file beside the target says nothing to people.
fn plain(error: io::Error) -> io::Error {
    io::Error::from(error.kind())
}
