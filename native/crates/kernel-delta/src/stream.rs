//! A table as a stream: its files in the order in which they came, cut into ranges.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commit::read_commit;
use crate::error::{DeltaError, Result};
use crate::read::{At, TableFile, open};
use crate::skipping::Condition;

/// Where a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// With all files of this version, and then what later ones add.
    Whole(u64),
    /// With what the version behind this one adds; none for version 0.
    After(Option<u64>),
}

/// How far a stream was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Version of the table.
    pub version: u64,
    /// So many files of that version; none for all.
    pub files: Option<u64>,
}

/// What a stream does with versions that take rows away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// It ends.
    Stop,
    /// It passes over them, and over what they add.
    Skip,
}

/// How much a range may hold; one file at least, however large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Files.
    pub files: u64,
    /// Bytes of files.
    pub bytes: u64,
}

/// A range that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Where it ends.
    pub end: Position,
    /// Files in it.
    pub files: u64,
}

/// The files that a table gets, version by version.
#[derive(Debug)]
pub struct TableStream {
    table: PathBuf,
    on_change: OnChange,
    /// The files of the version that is read whole.
    whole: Option<(u64, Arc<[TableFile]>)>,
    /// Names of those of them that may have wanted rows.
    wanted: Option<(u64, Option<HashSet<String>>)>,
}

impl Position {
    fn is_reached(self, version: u64, files: u64) -> bool {
        match version.cmp(&self.version) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => self.files.is_some_and(|own| files >= own),
        }
    }
}

/// The next files of a stream: those of a version, from one of them on.
struct Piece {
    version: u64,
    skipped: u64,
    is_whole: bool,
}

impl Piece {
    fn after(origin: Origin, position: Option<Position>) -> Self {
        let whole = |version| origin == Origin::Whole(version);
        match (position, origin) {
            (
                Some(Position {
                    version,
                    files: Some(skipped),
                }),
                _,
            ) => Self {
                version,
                skipped,
                is_whole: whole(version),
            },
            (
                Some(Position {
                    version,
                    files: None,
                }),
                _,
            ) => Self::of(version + 1),
            (None, Origin::Whole(version)) => Self {
                version,
                skipped: 0,
                is_whole: true,
            },
            (None, Origin::After(version)) => Self::of(version.map_or(0, |version| version + 1)),
        }
    }

    fn of(version: u64) -> Self {
        Self {
            version,
            skipped: 0,
            is_whole: false,
        }
    }
}

impl TableStream {
    /// For the table in an absolute folder.
    pub fn new(table: &Path, on_change: OnChange) -> Self {
        Self {
            table: table.to_owned(),
            on_change,
            whole: None,
            wanted: None,
        }
    }

    /// The range that follows `from`, within the bounds, up to `until` at most. One without files leads over versions
    /// that add none; its end may be where it begins.
    ///
    /// Cost: the commits on the way are read; once, all of the log for a version that is read whole.
    ///
    /// Errors: [`DeltaError::VersionGone`] for a commit that is no longer there, [`DeltaError::RowsChanged`] for one that
    /// takes rows away, unless they are skipped.
    pub fn next_range(
        &mut self,
        origin: Origin,
        from: Option<Position>,
        until: Position,
        bounds: Bounds,
    ) -> Result<Option<Range>> {
        let (mut end, mut files, mut bytes) = (from, 0, 0);
        loop {
            let piece = Piece::after(origin, end);
            if until.is_reached(piece.version, piece.skipped) {
                return Ok(end.map(|end| Range { end, files }));
            }
            let list = self.files_of(&piece)?;
            let mut index = piece.skipped;
            while index < list.len() as u64 && !until.is_reached(piece.version, index) {
                bytes += list[index as usize].bytes;
                if files > 0 && (files >= bounds.files || bytes > bounds.bytes) {
                    return Ok(end.map(|end| Range { end, files }));
                }
                files += 1;
                index += 1;
                end = Some(Position {
                    version: piece.version,
                    files: (index < list.len() as u64).then_some(index),
                });
            }
            if index >= list.len() as u64 {
                end = Some(Position {
                    version: piece.version,
                    files: None,
                });
            }
        }
    }

    /// The files behind `from`, up to `to`.
    ///
    /// Cost and errors: as [`TableStream::next_range`].
    pub fn files(
        &mut self,
        origin: Origin,
        from: Option<Position>,
        to: Position,
    ) -> Result<Vec<TableFile>> {
        let mut found = Vec::new();
        let mut position = from;
        loop {
            let piece = Piece::after(origin, position);
            if to.is_reached(piece.version, piece.skipped) {
                return Ok(found);
            }
            let list = self.files_of(&piece)?;
            let end = match to.files {
                Some(files) if to.version == piece.version => files as usize,
                _ => list.len(),
            };
            let wanted = list.get(piece.skipped as usize..end.min(list.len()));
            found.extend_from_slice(wanted.unwrap_or_default());
            position = Some(Position {
                version: piece.version,
                files: None,
            });
        }
    }

    /// As [`TableStream::files`], without those of the version that is read whole in which, by the log, no row fulfils all
    /// conditions; these are the same in every call.
    pub fn files_for(
        &mut self,
        origin: Origin,
        from: Option<Position>,
        to: Position,
        conditions: &[Condition],
    ) -> Result<Vec<TableFile>> {
        let mut files = self.files(origin, from, to)?;
        let Origin::Whole(version) = origin else {
            return Ok(files);
        };
        if conditions.is_empty() || files.iter().all(|file| file.version != version) {
            return Ok(files);
        }
        if self
            .wanted
            .as_ref()
            .is_none_or(|(known, _)| *known != version)
        {
            let opened = open(&self.table, At::Version(version))?;
            let wanted = opened
                .ok_or_else(|| self.gone(version))?
                .files_for(conditions)?;
            self.wanted = Some((version, wanted));
        }
        if let Some((_, Some(wanted))) = &self.wanted {
            files.retain(|file| file.version != version || wanted.contains(&file.name));
        }
        Ok(files)
    }

    fn files_of(&mut self, piece: &Piece) -> Result<Arc<[TableFile]>> {
        let version = piece.version;
        if piece.is_whole {
            if let Some((kept, files)) = &self.whole
                && *kept == version
            {
                return Ok(Arc::clone(files));
            }
            let opened = open(&self.table, At::Version(version))?;
            let files: Arc<[TableFile]> = opened.ok_or_else(|| self.gone(version))?.files()?.into();
            self.whole = Some((version, Arc::clone(&files)));
            return Ok(files);
        }
        self.whole = None;
        let commit = read_commit(&self.table, version)?.ok_or_else(|| self.gone(version))?;
        match (commit.removed, self.on_change) {
            (0, _) => Ok(commit.added.into()),
            (_, OnChange::Skip) => Ok(Arc::from([])),
            (removed, OnChange::Stop) => Err(DeltaError::RowsChanged {
                table: self.table.clone(),
                version,
                removed,
            }),
        }
    }

    fn gone(&self, version: u64) -> DeltaError {
        DeltaError::VersionGone {
            table: self.table.clone(),
            version,
        }
    }
}
