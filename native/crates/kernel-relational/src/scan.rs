//! Our table function, `sferic_input(id)`: DuckDB reads registered Arrow batches in place.
//!
//! Each thread takes one batch at a time and hands it over in windows of 2,048 rows that point into the Arrow buffers. Columns a query
//! does not use are never touched. DuckDB's own Arrow scan is not used: it pushes projections and filters down and then ignores them.
//!
//! Lifetime: windows are borrowed by DuckDB without a release callback. Whatever DuckDB keeps of a chunk beyond the work on it, it copies,
//! so a thread holds the batch whose windows it hands out, and the one before.

use std::any::Any;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use arrow_array::ffi::FFI_ArrowArray;

use crate::error::{RelationalError, Result};
use crate::ffi::{
    ArrowArrayFields, ChunkHandle, ConnectionHandle, Handle, SUCCESS, TYPE_BIGINT, VECTOR_ROWS,
};
use crate::inputs::{ConvertedSchema, Input, InputRows, Inputs};
use crate::library::{api, check};

/// The table function's name in SQL.
pub(crate) const FUNCTION: &str = "sferic_input";

/// Registers the table function in the database of `connection`.
pub(crate) fn register(connection: ConnectionHandle, inputs: &Arc<Inputs>) -> Result<()> {
    let api = api();
    let name = CString::new(FUNCTION).expect("no NUL in the name");
    // SAFETY: the calls keep duckdb.h's order; the extra information is a box that `drop_box` frees.
    unsafe {
        let mut function = api.create_table_function();
        api.table_function_set_name(function, name.as_ptr());
        let mut parameter = api.create_logical_type(TYPE_BIGINT);
        api.table_function_add_parameter(function, parameter);
        api.destroy_logical_type(&mut parameter);
        api.table_function_set_extra_info(
            function,
            boxed(Arc::clone(inputs)),
            Some(drop_box::<Arc<Inputs>>),
        );
        api.table_function_set_bind(function, bind);
        api.table_function_set_init(function, init);
        api.table_function_set_local_init(function, local_init);
        api.table_function_set_function(function, scan);
        api.table_function_supports_projection_pushdown(function, true);
        let state = api.register_table_function(connection, function);
        api.destroy_table_function(&mut function);
        if state != SUCCESS {
            return Err(RelationalError::Duckdb {
                message: format!("the table function {FUNCTION} cannot be registered"),
            });
        }
    }
    Ok(())
}

fn boxed<T>(value: T) -> *mut c_void {
    Box::into_raw(Box::new(value)).cast()
}

unsafe extern "C" fn drop_box<T>(pointer: *mut c_void) {
    // SAFETY: DuckDB calls this once with the pointer that `boxed` made. A panic must not cross into C++.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        drop(unsafe { Box::from_raw(pointer.cast::<T>()) })
    }));
}

/// Runs a callback's body; an error or a panic becomes DuckDB's error.
fn guarded(report: impl FnOnce(*const c_char), body: impl FnOnce() -> Result<(), String>) {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        Err(format!(
            "internal error while reading Arrow data: {}",
            panic_text(&*panic)
        ))
    });
    if let Err(message) = outcome {
        let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
        report(message.as_ptr());
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic")
}

/// What the bind callback leaves for init.
struct Bound {
    input: Arc<Input>,
}

unsafe extern "C" fn bind(info: Handle) {
    let api = api();
    // SAFETY (whole callback): `info` is valid during the call and the extra information is the box made in `install`.
    let report = |message| unsafe { api.bind_set_error(info, message) };
    guarded(report, || unsafe {
        let inputs = &*api.bind_get_extra_info(info).cast::<Arc<Inputs>>();
        let mut parameter = api.bind_get_parameter(info, 0);
        let id = api.get_int64(parameter);
        api.destroy_value(&mut parameter);
        let input = inputs.find(id)?;
        for (field, logical_type) in input.schema.fields().iter().zip(&input.types) {
            let name = CString::new(field.name().as_str()).map_err(|_| {
                format!("column {:?} has a NUL character in its name", field.name())
            })?;
            api.bind_add_result_column(info, name.as_ptr(), logical_type.0);
        }
        input.count_scan();
        api.bind_set_cardinality(info, input.rows().count(), false);
        api.bind_set_bind_data(info, boxed(Bound { input }), Some(drop_box::<Bound>));
        Ok(())
    });
}

/// One execution of the scan, shared by its threads.
struct Scan {
    connection: ConnectionHandle,
    converted: Option<ConvertedSchema>,
    /// Columns of the input that the query uses.
    columns: Vec<usize>,
    /// Where each of them stands in DuckDB's output.
    positions: Vec<u64>,
    rows: InputRows,
    /// Batches taken, of rows that are there already.
    taken: AtomicUsize,
}

/// A batch in the form that DuckDB reads.
struct ExportedBatch {
    rows: usize,
    columns: Vec<FFI_ArrowArray>,
    // The arrays point into it.
    _batch: RecordBatch,
}

/// Where one thread stands.
#[derive(Default)]
struct Cursor {
    batch: Option<ExportedBatch>,
    row: usize,
    _before: Option<ExportedBatch>,
    /// Batches of a stream that the thread has taken and not begun, the last first.
    taken: Vec<RecordBatch>,
}

unsafe extern "C" fn init(info: Handle) {
    let api = api();
    // SAFETY (whole callback): `info` is valid during the call; extra information and bind data are the boxes made above.
    let report = |message| unsafe { api.init_set_error(info, message) };
    guarded(report, || unsafe {
        let inputs = &*api.init_get_extra_info(info).cast::<Arc<Inputs>>();
        let input = &(*api.init_get_bind_data(info).cast::<Bound>()).input;
        // A scan that needs no column (count(*)) asks for one with an index past the last.
        let wanted = (0..api.init_get_column_count(info))
            .map(|position| (position, api.init_get_column_index(info, position) as usize));
        let (positions, columns): (Vec<u64>, Vec<usize>) = wanted
            .filter(|(_, column)| *column < input.schema.fields().len())
            .unzip();
        let converted = if columns.is_empty() {
            None
        } else {
            Some(
                inputs.convert_schema(
                    &input
                        .schema
                        .project(&columns)
                        .map_err(|error| error.to_string())?,
                )?,
            )
        };
        let scan = Scan {
            connection: inputs.connection,
            converted,
            columns,
            positions,
            rows: input.rows(),
            taken: AtomicUsize::new(0),
        };
        api.init_set_max_threads(info, scan.rows.threads());
        api.init_set_init_data(info, boxed(scan), Some(drop_box::<Scan>));
        Ok(())
    });
}

unsafe extern "C" fn local_init(info: Handle) {
    // SAFETY: `info` is valid during the call.
    unsafe { api().init_set_init_data(info, boxed(Cursor::default()), Some(drop_box::<Cursor>)) }
}

unsafe extern "C" fn scan(info: Handle, output: ChunkHandle) {
    let api = api();
    // SAFETY (whole callback): `info` and `output` are valid during the call; the data are the boxes made above, and each thread has
    // its own cursor.
    let report = |message| unsafe { api.function_set_error(info, message) };
    guarded(report, || unsafe {
        let scan = &*api.function_get_init_data(info).cast::<Scan>();
        let cursor = &mut *api.function_get_local_init_data(info).cast::<Cursor>();
        let Some((batch, start, rows)) = scan.advance(cursor)? else {
            api.data_chunk_set_size(output, 0);
            return Ok(());
        };
        scan.fill(output, batch, start, rows)?;
        api.data_chunk_set_size(output, rows as u64);
        Ok(())
    });
}

impl Scan {
    /// The next window of a thread: its batch, first row and row count.
    fn advance<'c>(
        &self,
        cursor: &'c mut Cursor,
    ) -> Result<Option<(&'c ExportedBatch, usize, usize)>, String> {
        if cursor
            .batch
            .as_ref()
            .is_none_or(|batch| cursor.row == batch.rows)
        {
            let next = self
                .next_batch(&mut cursor.taken)
                .map_err(|error| error.to_string())?;
            cursor._before = cursor.batch.take();
            cursor.batch = next.map(|batch| self.exported(batch));
            cursor.row = 0;
        }
        let start = cursor.row;
        Ok(cursor.batch.as_ref().map(|batch| {
            let rows = (batch.rows - start).min(VECTOR_ROWS);
            cursor.row += rows;
            (batch, start, rows)
        }))
    }

    /// The next batch that has rows.
    fn next_batch(&self, taken: &mut Vec<RecordBatch>) -> Result<Option<RecordBatch>> {
        let batches = match &self.rows {
            InputRows::Batches(batches) => batches,
            InputRows::Stream(stream) => {
                if taken.is_empty() {
                    *taken = stream.take()?;
                    taken.reverse();
                }
                return Ok(taken.pop());
            }
        };
        loop {
            let index = self.taken.fetch_add(1, Ordering::Relaxed);
            match batches.get(index) {
                Some(batch) if batch.num_rows() == 0 => {}
                other => return Ok(other.cloned()),
            }
        }
    }

    fn exported(&self, batch: RecordBatch) -> ExportedBatch {
        let columns = self.columns.iter();
        ExportedBatch {
            rows: batch.num_rows(),
            columns: columns
                .map(|column| FFI_ArrowArray::new(&batch.column(*column).to_data()))
                .collect(),
            _batch: batch,
        }
    }

    /// Points the output's vectors at a window of a batch.
    ///
    /// # Safety
    /// `output` is the chunk of the running callback.
    unsafe fn fill(
        &self,
        output: ChunkHandle,
        batch: &ExportedBatch,
        start: usize,
        rows: usize,
    ) -> Result<(), String> {
        let Some(converted) = &self.converted else {
            return Ok(());
        };
        let api = api();
        let mut columns: Vec<ArrowArrayFields> = batch
            .columns
            .iter()
            .map(|column| window(column, start, rows))
            .collect();
        let mut children: Vec<*mut ArrowArrayFields> =
            columns.iter_mut().map(std::ptr::from_mut).collect();
        let no_validity: [*const c_void; 1] = [std::ptr::null()];
        let mut root = ArrowArrayFields {
            length: rows as i64,
            null_count: 0,
            offset: 0,
            buffer_count: 1,
            child_count: children.len() as i64,
            buffers: no_validity.as_ptr().cast_mut().cast(),
            children: children.as_mut_ptr(),
            dictionary: std::ptr::null_mut(),
            release: Some(release_nothing),
            private_data: std::ptr::null_mut(),
        };
        let mut chunk = std::ptr::null_mut();
        // SAFETY: the window lives for the call; the buffers that the vectors keep pointing at live in the thread's cursor.
        unsafe {
            check(api.data_chunk_from_arrow(
                self.connection,
                (&raw mut root).cast(),
                converted.0,
                &mut chunk,
            ))?;
            for (column, position) in self.positions.iter().enumerate() {
                api.vector_reference_vector(
                    api.data_chunk_get_vector(output, *position),
                    api.data_chunk_get_vector(chunk, column as u64),
                );
            }
            api.destroy_data_chunk(&mut chunk);
        }
        Ok(())
    }
}

/// A view of some rows of an exported column, released by nobody.
fn window(column: &FFI_ArrowArray, start: usize, rows: usize) -> ArrowArrayFields {
    // SAFETY: both structs have the layout of `struct ArrowArray`, which the Arrow C data interface fixes.
    let whole = unsafe { &*std::ptr::from_ref(column).cast::<ArrowArrayFields>() };
    ArrowArrayFields {
        length: rows as i64,
        // The whole column's count stands for "some": DuckDB takes Arrow's -1 (unknown) for none in dictionaries.
        null_count: whole.null_count,
        offset: whole.offset + start as i64,
        release: Some(release_nothing),
        private_data: std::ptr::null_mut(),
        ..*whole
    }
}

unsafe extern "C" fn release_nothing(array: *mut ArrowArrayFields) {
    // SAFETY: the Arrow C data interface hands over a valid array; a null release marks it released.
    unsafe { (*array).release = None }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn reported(body: impl FnOnce() -> Result<(), String>) -> Option<String> {
        let mut reported = None;
        // SAFETY: the pointer is a C string during the call.
        guarded(
            |message| {
                reported = Some(
                    unsafe { CStr::from_ptr(message) }
                        .to_string_lossy()
                        .into_owned(),
                )
            },
            body,
        );
        reported
    }

    #[test]
    fn panics_and_errors_in_callbacks_become_messages() {
        assert_eq!(reported(|| Ok(())), None);
        assert_eq!(
            reported(|| Err("a\0b".to_string())),
            Some("a b".to_string())
        );
        let message = reported(|| panic!("row {}", 7)).unwrap();
        assert!(message.ends_with("row 7"), "{message}");
    }
}
