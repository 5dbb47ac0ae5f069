//! Results of numbered pieces of work, in their order, computed on other threads before they are asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::guard::catch;

/// How often a taker that waits asks whether it should stop.
const CANCELLATION_INTERVAL: Duration = Duration::from_millis(20);

/// What a piece of work is given to ask whether anybody still wants its result.
pub(crate) type IsStopped<'a> = &'a (dyn Fn() -> bool + Sync);

type Work<T> = dyn Fn(usize, IsStopped) -> T + Send + Sync;

/// Pieces 0, 1, … of some work, done on the threads of the current rayon pool ahead of whoever takes the results.
///
/// Memory: no piece is begun while results that nobody took weigh more than the bound, so at most the bound and one
/// result per thread are held. Dropping it stops pieces that are not begun; those in work are told.
pub(crate) struct ReadAhead<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    work: Box<Work<T>>,
    /// Bytes of a result.
    weight: fn(&T) -> u64,
    piece_count: usize,
    bytes_ahead_max: u64,
    state: Mutex<State<T>>,
    finished: Condvar,
}

struct State<T> {
    begun: usize,
    taken: usize,
    running: usize,
    waiting: BTreeMap<usize, Result<T, String>>,
    waiting_bytes: u64,
    stopped: bool,
}

impl<T: Send + 'static> ReadAhead<T> {
    /// Begins at once.
    pub(crate) fn start(
        piece_count: usize,
        bytes_ahead_max: u64,
        weight: fn(&T) -> u64,
        work: impl Fn(usize, IsStopped) -> T + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            begun: 0,
            taken: 0,
            running: 0,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            stopped: false,
        };
        let shared = Arc::new(Shared {
            work: Box::new(work),
            weight,
            piece_count,
            bytes_ahead_max,
            state: Mutex::new(state),
            finished: Condvar::new(),
        });
        shared.begin_more(&mut shared.lock());
        Self { shared }
    }

    /// The next piece's result, or the message of its panic; waits for it. None after the last piece, and when
    /// `cancelled` says so while it waits. Not to be called from a thread of the pool.
    pub(crate) fn take(&mut self, cancelled: IsStopped) -> Option<Result<T, String>> {
        let shared = &self.shared;
        let mut state = shared.lock();
        while state.taken < shared.piece_count && !cancelled() {
            let index = state.taken;
            if let Some(result) = state.waiting.remove(&index) {
                state.taken += 1;
                state.waiting_bytes -= shared.weight_of(&result);
                shared.begin_more(&mut state);
                return Some(result);
            }
            state = shared
                .finished
                .wait_timeout(state, CANCELLATION_INTERVAL)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        None
    }
}

impl<T> Drop for ReadAhead<T> {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn weight_of(&self, result: &Result<T, String>) -> u64 {
        result.as_ref().map_or(0, self.weight)
    }
}

impl<T: Send + 'static> Shared<T> {
    /// Starts as many pieces as threads and memory allow. The next one to be taken is always in work or done.
    fn begin_more(self: &Arc<Self>, state: &mut State<T>) {
        while !state.stopped
            && state.begun < self.piece_count
            && state.running < rayon::current_num_threads()
            && (state.waiting_bytes < self.bytes_ahead_max || state.begun == state.taken)
        {
            let index = state.begun;
            state.begun += 1;
            state.running += 1;
            let shared = Arc::clone(self);
            rayon::spawn(move || shared.run(index));
        }
    }

    fn run(self: Arc<Self>, index: usize) {
        let is_stopped = || self.lock().stopped;
        let result = catch(|| (self.work)(index, &is_stopped));
        let mut state = self.lock();
        state.running -= 1;
        state.waiting_bytes += self.weight_of(&result);
        state.waiting.insert(index, result);
        self.begin_more(&mut state);
        self.finished.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const NEVER: IsStopped = &|| false;

    #[test]
    fn results_come_in_order_however_long_each_takes() {
        let mut ahead = ReadAhead::start(
            40,
            1 << 20,
            |_| 1,
            |index, _| {
                std::thread::sleep(Duration::from_millis((index as u64 * 7) % 5));
                index
            },
        );
        let results: Vec<usize> = std::iter::from_fn(|| ahead.take(NEVER))
            .map(Result::unwrap)
            .collect();
        assert_eq!(results, (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_begun_stays_within_the_bound_while_nobody_takes() {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let mut ahead = ReadAhead::start(
            100,
            10,
            |_| 5,
            move |index, _| {
                count.fetch_add(1, Ordering::SeqCst);
                index
            },
        );
        ahead.take(NEVER).unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let most = 1 + 2 + rayon::current_num_threads();
        assert!(begun.load(Ordering::SeqCst) <= most, "{begun:?} were begun");
        assert_eq!(std::iter::from_fn(|| ahead.take(NEVER)).count(), 99);
    }

    #[test]
    fn a_result_heavier_than_the_bound_still_comes() {
        let mut ahead = ReadAhead::start(3, 10, |_| 50, |index, _| index);
        assert_eq!(std::iter::from_fn(|| ahead.take(NEVER)).count(), 3);
    }

    #[test]
    fn a_panic_is_the_result_of_its_piece_alone() {
        let mut ahead = ReadAhead::start(
            3,
            10,
            |_| 1,
            |index, _| {
                assert_ne!(index, 1, "one is bad");
                index
            },
        );
        assert_eq!(ahead.take(NEVER).unwrap(), Ok(0));
        assert!(
            ahead
                .take(NEVER)
                .unwrap()
                .unwrap_err()
                .contains("one is bad")
        );
        assert_eq!(ahead.take(NEVER).unwrap(), Ok(2));
        assert!(ahead.take(NEVER).is_none());
    }

    #[test]
    fn a_taker_that_is_cancelled_does_not_wait() {
        let mut ahead = ReadAhead::start(
            1,
            10,
            |_| 1,
            |index, is_stopped: IsStopped| {
                while !is_stopped() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                index
            },
        );
        assert!(ahead.take(&|| true).is_none());
    }
}
