//! Windows, and what is kept of them from epoch to epoch.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, TimeUnit};
use kernel_relational::{
    Compaction, Merge, OpenWindows, Span, WindowParams, WindowState, WindowStateParams, Windowed,
    assign_windows, latest_event_time_ms, split_by_event_time,
};

const TIME: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

fn times(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(values))
}

fn windows(values: Vec<Option<i64>>, span: Span, late_ms: Option<i64>) -> Windowed {
    let batch = RecordBatch::try_from_iter([("t", times(values))]).unwrap();
    let params = WindowParams {
        column: "t".to_string(),
        span,
        late_ms,
        watermark_ms: 99,
        names: ["start", "end", "watermark"].map(String::from),
    };
    assign_windows(&batch, &params).unwrap()
}

fn values(batch: &RecordBatch, column: &str) -> Vec<i64> {
    let column = batch.column_by_name(column).unwrap();
    column
        .as_primitive::<TimestampMillisecondType>()
        .values()
        .to_vec()
}

const TUMBLING: Span = Span::Sliding {
    size_ms: 30,
    slide_ms: 30,
    offset_ms: 7,
};

#[test]
fn rows_later_than_a_time_are_told_apart_and_one_at_it_is_not_later() {
    let times = times(vec![Some(99), Some(100), None, Some(101), Some(i64::MAX)]);
    let batch = RecordBatch::try_from_iter([("t", times)]).unwrap();
    let (kept, later) = split_by_event_time(&batch, "t", 100).unwrap();
    assert_eq!((kept.num_rows(), kept.column(0).null_count()), (3, 1));
    assert_eq!(values(&later, "t"), [101, i64::MAX]);
}

#[test]
fn tumbling_windows_are_aligned_to_1970_and_the_offset_on_both_sides_of_it() {
    let windowed = windows(
        vec![Some(-24), Some(-23), Some(6), Some(7), Some(36)],
        TUMBLING,
        None,
    );
    assert_eq!(values(&windowed.rows, "start"), [-53, -23, -23, 7, 7]);
    assert!(windowed.late.is_none() && windowed.invalid.is_none());
}

#[test]
fn a_row_is_late_for_some_of_its_windows_and_counts_in_the_others() {
    let span = Span::Sliding {
        size_ms: 30,
        slide_ms: 10,
        offset_ms: 0,
    };
    let windowed = windows(vec![Some(25), None], span, Some(40));
    assert_eq!(values(&windowed.rows, "start"), [20]);
    let late = windowed.late.unwrap();
    assert_eq!(values(&late, "end"), [30, 40]);
    assert_eq!(values(&late, "watermark"), [99, 99]);
    assert_eq!(windowed.invalid.unwrap().num_rows(), 1);
}

#[test]
fn the_latest_time_is_rounded_down() {
    let column: ArrayRef = Arc::new(arrow_array::TimestampMicrosecondArray::from(vec![
        Some(-1),
        None,
        Some(-1500),
    ]));
    let batch = RecordBatch::try_from_iter([("t", column)]).unwrap();
    assert_eq!(latest_event_time_ms(&batch, "t").unwrap(), Some(-1));
    assert_eq!(latest_event_time_ms(&batch.slice(1, 1), "t").unwrap(), None);
}

fn state(span: Span) -> WindowState {
    WindowState::new(params(span)).unwrap()
}

fn params(span: Span) -> WindowStateParams {
    WindowStateParams {
        window: Some((span, TIME)),
        keys: vec![Field::new("k", DataType::Utf8, true)],
        partials: vec![
            (Field::new("n", DataType::Int64, true), Merge::Sum),
            (Field::new("last", DataType::Utf8, true), Merge::Greatest),
        ],
    }
}

fn partials(rows: &[(i64, Option<&str>, i64, &str)]) -> RecordBatch {
    let key: StringArray = rows.iter().map(|row| row.1).collect();
    let count: Int64Array = rows.iter().map(|row| Some(row.2)).collect();
    let last: StringArray = rows.iter().map(|row| Some(row.3)).collect();
    RecordBatch::try_from_iter([
        ("start", times(rows.iter().map(|row| Some(row.0)).collect())),
        ("k", Arc::new(key) as ArrayRef),
        ("n", Arc::new(count) as ArrayRef),
        ("last", Arc::new(last) as ArrayRef),
    ])
    .unwrap()
}

/// Start, end, key, count and greatest text of each group, sorted: groups come in no order.
fn told(batch: &RecordBatch) -> Vec<String> {
    let (starts, ends) = (values(batch, "window_start"), values(batch, "window_end"));
    let counts = batch.column(3).as_primitive::<Int64Type>();
    let (keys, last) = (
        batch.column(2).as_string::<i32>(),
        batch.column(4).as_string::<i32>(),
    );
    let row = |row: usize| {
        let key = keys.iter().nth(row).flatten().unwrap_or("null");
        format!(
            "{}-{} {key} {} {}",
            starts[row],
            ends[row],
            counts.value(row),
            last.value(row)
        )
    };
    let mut rows: Vec<String> = (0..batch.num_rows()).map(row).collect();
    rows.sort();
    rows
}

#[test]
fn partials_of_a_group_merge_and_a_window_closes_at_its_end() {
    let mut state = state(TUMBLING);
    state
        .merge(&partials(&[
            (7, Some("a"), 1, "x"),
            (7, None, 2, "y"),
            (37, Some("a"), 4, "z"),
        ]))
        .unwrap();
    state.settle();
    state
        .merge(&partials(&[(7, Some("a"), 8, "w"), (7, None, 16, "z")]))
        .unwrap();
    assert_eq!(
        told(&state.changed().unwrap()),
        ["7-37 a 9 x", "7-37 null 18 z"]
    );
    assert_eq!(state.close(36).unwrap().num_rows(), 0);
    assert_eq!(
        told(&state.close(37).unwrap()),
        ["7-37 a 9 x", "7-37 null 18 z"]
    );
    assert_eq!(told(&state.all().unwrap()), ["37-67 a 4 z"]);
}

#[test]
fn sessions_that_touch_become_one_whichever_came_first() {
    let mut state = state(Span::Session { gap_ms: 10 });
    let rows = [
        (0, Some("a"), 1, "x"),
        (21, Some("a"), 2, "y"),
        (40, Some("a"), 4, "z"),
    ];
    state.merge(&partials(&rows)).unwrap();
    assert_eq!(state.group_count(), 3);
    // From 10, where the first ends, to 20, and so not to 21, where the second begins.
    state
        .merge(&partials(&[
            (10, Some("a"), 8, "w"),
            (10, Some("b"), 16, "w"),
        ]))
        .unwrap();
    assert_eq!(state.group_count(), 4);
    state.merge(&partials(&[(11, Some("a"), 32, "w")])).unwrap();
    assert_eq!(
        told(&state.all().unwrap()),
        ["0-31 a 43 y", "10-20 b 16 w", "40-50 a 4 z"]
    );
    assert_eq!(
        told(&state.close(31).unwrap()),
        ["0-31 a 43 y", "10-20 b 16 w"]
    );
}

#[test]
fn a_snapshot_and_what_changed_after_it_make_the_same_state() {
    for span in [TUMBLING, Span::Session { gap_ms: 10 }] {
        let (mut living, mut restored) = (state(span), state(span));
        let first = [
            (7, Some("a"), 1, "x"),
            (37, Some("a"), 2, "y"),
            (37, Some("b"), 4, "z"),
        ];
        living.merge(&partials(&first)).unwrap();
        restored.restore(&[living.all().unwrap()], None).unwrap();
        living.settle();
        living
            .merge(&partials(&[
                (37, Some("a"), 8, "w"),
                (67, Some("c"), 16, "w"),
            ]))
            .unwrap();
        living.close(37).unwrap();
        restored
            .restore(&[living.delta().unwrap()], Some(37))
            .unwrap();
        assert_eq!(told(&restored.all().unwrap()), told(&living.all().unwrap()));
        // The groups that were there stand where they stood: nothing is found twice.
        let more = partials(&[(37, Some("a"), 32, "v"), (37, Some("b"), 64, "v")]);
        living.merge(&more).unwrap();
        restored.merge(&more).unwrap();
        assert_eq!(told(&restored.all().unwrap()), told(&living.all().unwrap()));
    }
}

/// Numbers that look random and are the same every time (Knuth's MMIX generator).
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> i64 {
        let (factor, step) = (6_364_136_223_846_793_005, 1_442_695_040_888_963_407);
        self.0 = self.0.wrapping_mul(factor).wrapping_add(step);
        ((self.0 >> 33) % limit) as i64
    }
}

#[test]
fn a_compacted_chain_restores_to_the_state_that_the_chain_restores_to() {
    let tumbling = Span::Sliding {
        size_ms: 30,
        slide_ms: 30,
        offset_ms: 0,
    };
    let names = ["a", "b", "c", "a key that is longer than twenty-two bytes"];
    for span in [tumbling, Span::Session { gap_ms: 10 }] {
        for seed in 0..50 {
            let mut draws = Draws(seed);
            let mut living = state(span);
            let mut chain = Vec::new();
            for epoch in 0..8 {
                living.settle();
                for _ in 0..draws.below(6) {
                    let time = epoch * 20 + draws.below(60);
                    let start = match span {
                        Span::Session { .. } => time,
                        Span::Sliding { .. } => time - time % 30,
                    };
                    let key = names.get(draws.below(5) as usize).copied();
                    living.merge(&partials(&[(start, key, 1, "x")])).unwrap();
                }
                let closed = epoch * 20;
                living.close(closed).unwrap();
                let rows = match epoch {
                    0 => living.all().unwrap(),
                    _ => living.delta().unwrap(),
                };
                chain.push((rows, closed));
            }
            let mut restored = state(span);
            for (rows, closed) in &chain {
                let half = rows.num_rows() / 2;
                let halves = [
                    rows.slice(0, half),
                    rows.slice(half, rows.num_rows() - half),
                ];
                restored.restore(&halves, Some(*closed)).unwrap();
            }
            let mut whole = state(span);
            whole.restore(&compacted(span, &chain), None).unwrap();
            assert_eq!(told(&restored.all().unwrap()), told(&living.all().unwrap()));
            assert_eq!(told(&whole.all().unwrap()), told(&living.all().unwrap()));
        }
    }
}

fn compacted(span: Span, chain: &[(RecordBatch, i64)]) -> Vec<RecordBatch> {
    let mut compaction = Compaction::new(params(span)).unwrap();
    let mut kept = Vec::new();
    for (rows, closed) in chain[1..].iter().rev() {
        kept.push(compaction.surviving(rows).unwrap());
        compaction.go_back(Some(*closed));
    }
    kept.push(compaction.surviving_of_oldest(&chain[0].0).unwrap());
    kept
}

#[test]
fn open_windows_are_told_by_their_ends_and_memory_by_its_bytes() {
    let mut state = state(TUMBLING);
    assert_eq!(state.open_windows(), None);
    let rows = [(7, Some("a"), 1, "x"), (37, Some("b"), 2, "y")];
    state.merge(&partials(&rows)).unwrap();
    let open = |oldest_end_ms, newest_end_ms| OpenWindows {
        oldest_end_ms,
        newest_end_ms,
    };
    assert_eq!(state.open_windows(), Some(open(37, 67)));
    assert_eq!(state.changed_count(), 2);
    state.close(37).unwrap();
    assert_eq!(state.open_windows(), Some(open(67, 67)));
    let before = state.bytes();
    let long = "x".repeat(100_000);
    state
        .merge(&partials(&[(37, Some(&long), 1, &long)]))
        .unwrap();
    assert!(state.bytes() > before + 200_000, "{}", state.bytes());
    state.close(67).unwrap();
    assert!(state.bytes() < before + 10_000, "{}", state.bytes());
    assert_eq!(state.open_windows(), None);
}
