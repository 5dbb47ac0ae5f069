//! Files of what operators remember: Arrow files, in batches of bounded size, synced, with a checksum.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::Schema;
use crc32fast::Hasher;
use kernel_relational::RelationalError;
use napi_derive::napi;

use crate::error::{Failure, Result};

/// Rows that are in memory at a time when a file is read.
const BATCH_ROWS: usize = 65_536;

/// What a file holds that is complete and synced.
#[napi(object)]
pub struct WrittenStateFile {
    pub bytes: f64,
    /// `crc32:` and eight hex digits, over the bytes of the file.
    pub checksum: String,
}

/// Writes one file; what is at the path is replaced.
pub(crate) struct StateFileWriter {
    path: PathBuf,
    writer: FileWriter<Checked>,
}

impl StateFileWriter {
    pub(crate) fn create(path: &Path, schema: &Schema) -> Result<Self> {
        let file = File::create(path).map_err(|error| not_written(path, &error))?;
        let checked = Checked {
            file: BufWriter::new(file),
            hasher: Hasher::new(),
            bytes: 0,
        };
        Ok(Self {
            path: path.to_owned(),
            writer: FileWriter::try_new(checked, schema)
                .map_err(|error| not_written(path, &error))?,
        })
    }

    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        for start in (0..rows.num_rows()).step_by(BATCH_ROWS) {
            let count = BATCH_ROWS.min(rows.num_rows() - start);
            self.writer
                .write(&rows.slice(start, count))
                .map_err(|error| not_written(&self.path, &error))?;
        }
        Ok(())
    }

    /// Ends the file; it is on disk then.
    pub(crate) fn finish(mut self) -> Result<WrittenStateFile> {
        let failed = |error: &dyn std::fmt::Display| not_written(&self.path, error);
        self.writer.finish().map_err(|error| failed(&error))?;
        let mut checked = self.writer.into_inner().map_err(|error| failed(&error))?;
        checked.flush().map_err(|error| failed(&error))?;
        let file = checked.file.get_ref();
        file.sync_all().map_err(|error| failed(&error))?;
        Ok(WrittenStateFile {
            bytes: checked.bytes as f64,
            checksum: format!("crc32:{:08x}", checked.hasher.finalize()),
        })
    }
}

/// Writes all rows of one file.
pub(crate) fn write_rows(path: &Path, rows: &RecordBatch) -> Result<WrittenStateFile> {
    let mut writer = StateFileWriter::create(path, rows.schema_ref())?;
    writer.write(rows)?;
    writer.finish()
}

/// A file whose bytes are counted and summed up on the way.
struct Checked {
    file: BufWriter<File>,
    hasher: Hasher,
    bytes: u64,
}

impl Write for Checked {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// The batches of a file that [`StateFileWriter`] wrote.
pub(crate) fn read_state_file(
    path: &Path,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let file = File::open(path).map_err(|error| corrupt(path, &error))?;
    let reader = FileReader::try_new(file, None).map_err(|error| corrupt(path, &error))?;
    let path = path.to_owned();
    Ok(reader.map(move |batch| batch.map_err(|error| corrupt(&path, &error))))
}

/// What a state makes of a file. Rows of other columns mean that the inputs have changed since it was written.
pub(crate) fn restored(
    path: &str,
    outcome: std::result::Result<(), RelationalError>,
) -> Result<()> {
    outcome.map_err(|error| match error {
        RelationalError::BatchSchema { .. } => {
            let message = format!(
                "{path} remembers rows of other columns than the operator has now. Undo what changed its inputs; or give the operator another id, under which it begins anew; or reset the checkpoint, and remove the outputs."
            );
            Failure::user("checkpoint-mismatch", message)
        }
        other => other.into(),
    })
}

fn not_written(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let message = format!("The state cannot be written to {}: {error}", path.display());
    Failure::new("state-not-written", "external", message)
}

fn corrupt(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let message = format!(
        "The checkpoint cannot be trusted: {}: {error}. Restore the file from a copy, or start anew with an empty checkpoint and empty outputs.",
        path.display()
    );
    Failure::new("checkpoint-corrupt", "external", message)
}
