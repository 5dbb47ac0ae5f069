//! Joins of two streams against a loop over all pairs.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use kernel_relational::{
    JoinInput, JoinRows, JoinState, JoinStateParams, JoinWatermark, LookupColumn,
};

/// A row: key, time in milliseconds, number.
type Row = (Option<i64>, Option<i64>, i64);

const BEFORE: i64 = 30;
const AFTER: i64 = 70;

fn batch(input: JoinInput, rows: &[Row]) -> RecordBatch {
    let keys = rows
        .iter()
        .map(|(key, ..)| key.map(|key| format!("key {key}")));
    let times = rows.iter().map(|(_, time, _)| *time);
    let times: ArrayRef = match input {
        JoinInput::Left => Arc::new(TimestampMicrosecondArray::from_iter(
            times.map(|time| time.map(|time| time * 1000)),
        )),
        JoinInput::Right => Arc::new(TimestampMillisecondArray::from_iter(times)),
    };
    RecordBatch::try_from_iter_with_nullable([
        (
            "key",
            Arc::new(StringArray::from_iter(keys)) as ArrayRef,
            true,
        ),
        ("time", times, true),
        (
            "number",
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2))),
            true,
        ),
    ])
    .unwrap()
}

fn state() -> JoinState {
    let rows = |input| JoinRows {
        schema: batch(input, &[]).schema(),
        keys: vec![0],
        time: "time".to_string(),
    };
    let result: Vec<Field> = ["key", "left", "right"]
        .map(|name| {
            let is_key = name == "key";
            Field::new(
                name,
                if is_key {
                    DataType::Utf8
                } else {
                    DataType::Int64
                },
                true,
            )
        })
        .to_vec();
    let watermark = DataType::Timestamp(arrow_schema::TimeUnit::Microsecond, None);
    let late = [
        Field::new("input", DataType::Utf8, false),
        Field::new("watermark", watermark, false),
    ];
    let schema = |fields: Vec<Field>| -> SchemaRef { Arc::new(Schema::new(fields)) };
    JoinState::new(JoinStateParams {
        left: rows(JoinInput::Left),
        right: rows(JoinInput::Right),
        before_ms: BEFORE,
        after_ms: AFTER,
        columns: vec![
            LookupColumn::Key(0, 0),
            LookupColumn::Left(2),
            LookupColumn::Right(2),
        ],
        schema: schema(result.clone()),
        late: schema(result.into_iter().chain(late).collect()),
    })
    .unwrap()
}

fn numbers(batch: &RecordBatch) -> Vec<(i64, i64)> {
    let column = |index| {
        batch
            .column(index)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec()
    };
    column(1).into_iter().zip(column(2)).collect()
}

/// Rows of an epoch whose times are about 100 times its number, not all in order.
fn drawn(epoch: i64, count: i64, salt: u64) -> Vec<Row> {
    let draw = |row: i64, column: u64| {
        let seed = (epoch * 10_000 + row) as u64 * 7 + column + salt * 1_000_003;
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as i64
    };
    let row = |row: i64| {
        let key = draw(row, 0) % 12;
        let time = draw(row, 1) % 40;
        let time = (time > 0).then_some(epoch * 100 + time * 10 - 150);
        ((key > 0).then_some(key), time, epoch * 10_000 + row)
    };
    (0..count).map(row).collect()
}

fn expected(lefts: &[Row], rights: &[Row]) -> Vec<(i64, i64)> {
    let mut pairs = Vec::new();
    for (key, time, left) in lefts {
        for (other_key, other_time, right) in rights {
            if let (Some(time), Some(other)) = (time, other_time)
                && key.is_some()
                && key == other_key
                && (time - BEFORE..=time + AFTER).contains(other)
            {
                pairs.push((*left, *right));
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

struct Joined {
    pairs: Vec<(i64, i64)>,
    /// Rows that were in time.
    lefts: Vec<Row>,
    rights: Vec<Row>,
    /// Most rows remembered after an epoch.
    most: usize,
}

/// All epochs, in batches of so many rows; the state is written and read back after each epoch, if so asked.
fn joined(epochs: i64, batch_rows: usize, restores: bool) -> Joined {
    let (mut state, mut snapshots) = (state(), Vec::new());
    let (mut pairs, mut lefts, mut rights, mut most) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let (mut late_ms, mut now_ms, mut latest) = (0, 0, 0);
    for epoch in 0..epochs {
        state.settle().unwrap();
        let watermark = JoinWatermark { late_ms, now_ms };
        for (input, salt, all) in [
            (JoinInput::Left, 1, &mut lefts),
            (JoinInput::Right, 2, &mut rights),
        ] {
            for rows in drawn(epoch, 300, salt).chunks(batch_rows) {
                let aside = state
                    .take(input, &batch(input, rows), Some(watermark))
                    .unwrap();
                let is_late = |row: &&Row| row.1.is_some_and(|time| time <= late_ms);
                let late = rows.iter().filter(is_late).count();
                assert_eq!(aside.late.map_or(0, |late| late.num_rows()), late);
                let invalid = rows.iter().filter(|row| row.1.is_none()).count();
                assert_eq!(aside.invalid.map_or(0, |rows| rows.num_rows()), invalid);
                all.extend(rows.iter().filter(|row| !is_late(row)).copied());
                while let Some(found) = state.next_matches().unwrap() {
                    pairs.extend(numbers(&found));
                }
                latest = rows.iter().filter_map(|row| row.1).fold(latest, i64::max);
            }
        }
        state.close(now_ms);
        most = most.max(state.row_count());
        snapshots.push((state.snapshot(epoch % 5 == 0).unwrap(), now_ms));
        if epoch % 5 == 0 {
            snapshots.drain(..snapshots.len() - 1);
        }
        if restores {
            state = self::state();
            for (rows, closed) in &snapshots {
                state.restore(rows, Some(*closed)).unwrap();
            }
        }
        (late_ms, now_ms) = (now_ms, now_ms.max(latest - 100));
    }
    pairs.sort_unstable();
    Joined {
        pairs,
        lefts,
        rights,
        most,
    }
}

#[test]
fn rows_of_different_epochs_meet_once_whatever_the_batches_and_snapshots() {
    for (batch_rows, restores) in [(1, false), (7, true), (300, false), (300, true)] {
        let found = joined(12, batch_rows, restores);
        let all = expected(&found.lefts, &found.rights);
        assert!(all.len() > 500);
        assert_eq!(found.pairs, all);
    }
}

#[test]
fn rows_that_nothing_can_meet_any_more_are_forgotten() {
    let found = joined(60, 300, false);
    assert_eq!(found.pairs, expected(&found.lefts, &found.rights));
    // Late by 100 ms at most, and kept for 70 after that: rows of a few epochs of the 60, and of the second that is not over.
    assert!(found.most < 600 * 20, "{} rows remembered", found.most);
}

#[test]
fn a_row_with_very_many_partners_gives_them_in_several_batches() {
    let mut state = state();
    let many: Vec<Row> = (0..70_000)
        .map(|number| (Some(1), Some(500), number))
        .collect();
    state
        .take(JoinInput::Left, &batch(JoinInput::Left, &many), None)
        .unwrap();
    assert!(state.next_matches().unwrap().is_none());
    let one = batch(
        JoinInput::Right,
        &[
            (Some(1), Some(500 + AFTER), 1),
            (Some(1), Some(501 + AFTER), 2),
        ],
    );
    state.take(JoinInput::Right, &one, None).unwrap();
    let sizes = std::iter::from_fn(|| state.next_matches().unwrap()).map(|found| found.num_rows());
    assert_eq!(sizes.collect::<Vec<_>>(), [65_536, 4464]);
}

#[test]
fn a_large_state_is_written_in_batches_and_read_back_once() {
    let mut state = state();
    let many: Vec<Row> = (0..70_000)
        .map(|number| (Some(number), Some(500), number))
        .collect();
    state
        .take(JoinInput::Left, &batch(JoinInput::Left, &many), None)
        .unwrap();
    let snapshot = state.snapshot(true).unwrap();
    let sizes = snapshot.iter().map(RecordBatch::num_rows);
    assert_eq!(sizes.collect::<Vec<_>>(), [65_536, 4464]);
    let mut restored = self::state();
    restored.restore(&snapshot, None).unwrap();
    assert_eq!(restored.row_count(), 70_000);
    assert!(restored.bytes() > 70_000 * 24);
    assert_eq!(
        (state.changed_count(), restored.changed_count()),
        (70_000, 0)
    );
}

#[test]
fn its_size_is_that_of_rows_columns_and_keys() {
    let mut state = state();
    let rows: Vec<Row> = (0..10_000).map(|row| (Some(row), Some(500), row)).collect();
    let all = batch(JoinInput::Left, &rows);
    state.take(JoinInput::Left, &all, None).unwrap();
    assert_eq!((state.row_count(), state.changed_count()), (10_000, 10_000));
    let bytes = state.bytes() - all.get_array_memory_size();
    assert!((10_000 * 100..10_000 * 300).contains(&bytes), "{bytes}");
    state.settle().unwrap();
    assert_eq!(state.changed_count(), 0);
}

#[test]
fn the_state_of_another_join_is_refused() {
    let other =
        RecordBatch::try_from_iter([("row", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    assert!(state().restore(&[other.unwrap()], None).is_err());
}
