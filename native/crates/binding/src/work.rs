//! Long work: a promise over a thread of the pool, with cancellation and with panics caught.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi_derive::napi;

use crate::error::{Failure, Result};

/// Stops kernels that were given it. Cheap to share; cancelling twice is harmless.
#[napi]
pub struct CancelToken {
    flag: Arc<AtomicBool>,
}

#[napi]
impl CancelToken {
    #[napi(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            flag: Arc::default(),
        }
    }

    /// Asks the work to end soon.
    #[napi]
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }
}

/// What a kernel asks while it works.
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    pub fn from_token(token: Option<&CancelToken>) -> Self {
        Self(
            token
                .map(|token| Arc::clone(&token.flag))
                .unwrap_or_default(),
        )
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

type Job<T> = Box<dyn FnOnce() -> Result<T> + Send>;

/// One piece of work, run once on the thread pool.
pub struct Work<T> {
    job: Option<Job<T>>,
}

/// A promise of what `job` returns; a panic inside becomes a `native-panic` failure.
pub fn promise<T>(job: impl FnOnce() -> Result<T> + Send + 'static) -> AsyncTask<Work<T>>
where
    T: Send + ToNapiValue + TypeName + 'static,
{
    AsyncTask::new(Work {
        job: Some(Box::new(job)),
    })
}

/// As [`promise`], with what is under a lock; jobs on it wait for each other.
pub fn promise_on<S, T>(
    shared: &Arc<Mutex<S>>,
    job: impl FnOnce(&mut S) -> Result<T> + Send + 'static,
) -> AsyncTask<Work<T>>
where
    S: Send + 'static,
    T: Send + ToNapiValue + TypeName + 'static,
{
    let shared = Arc::clone(shared);
    promise(move || job(&mut shared.lock().unwrap_or_else(PoisonError::into_inner)))
}

impl<T: Send + ToNapiValue + TypeName + 'static> napi::Task for Work<T> {
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<T> {
        let job = self
            .job
            .take()
            .ok_or_else(|| Failure::internal("work was started twice"))?;
        Ok(guarded(job)?)
    }

    fn resolve(&mut self, _env: napi::Env, output: T) -> napi::Result<T> {
        Ok(output)
    }
}

/// A panic is told by the failure it becomes, so that nothing is written to standard error; `RUST_BACKTRACE` shows where
/// it happened.
#[napi_derive::module_init]
fn keep_panics_quiet() {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
}

/// Runs a job on this thread with panics turned into failures.
pub fn guarded<T>(job: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(Failure::new(
            "native-panic",
            "internal",
            format!("The native core failed: {text}"),
        ))
    })
}
