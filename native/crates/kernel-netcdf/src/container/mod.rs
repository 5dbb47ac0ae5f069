//! What the decoders see of a file, whichever reader stands behind it.
//!
//! [`crate::hdf5`] reads what NetCDF-4 writers produce, fast; [`reader`] reads the rest of HDF5 through the crate
//! `hdf5-reader`. [`with_container`] tries the first and falls back to the second.

mod element;
mod reader;

use std::borrow::Cow;

pub(crate) use element::{ElementType, Number, Stored, with_stored};

use crate::error::{NetcdfError, Result};
use crate::hdf5;
use crate::limits::Limits;

/// The attributes that tell what stored numbers mean.
pub(crate) const VALUE_ATTRIBUTES: [&str; 7] = [
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "_Unsigned",
    "units",
    "calendar",
];

/// An attribute's value: its texts, its numbers, or the object addresses it refers to; never empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Texts(Vec<Cow<'a, str>>),
    Numbers(Vec<Number>),
    References(Vec<u64>),
}

impl Value<'_> {
    /// The text, the first when there are several.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Texts(texts) => texts.first().map(AsRef::as_ref),
            _ => None,
        }
    }
}

/// One dataset of the root group.
pub(crate) struct Variable<'a> {
    pub(crate) name: String,
    /// Address of the object header: what `DIMENSION_LIST` refers to.
    pub(crate) address: u64,
    pub(crate) element: ElementType,
    pub(crate) shape: Vec<u64>,
    pub(crate) attributes: Vec<(&'static str, Value<'a>)>,
    pub(crate) storage: Storage<'a>,
}

/// Where a variable's data is, for the reader that opened it.
pub(crate) enum Storage<'a> {
    Native(hdf5::Layout<'a>),
    Reader(Box<hdf5_reader::Dataset>),
}

impl<'a> Variable<'a> {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Value<'a>> {
        self.attributes
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The text of an attribute; `None` when it is absent or not text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.attribute(name)?.text()
    }

    /// The number of an attribute; an error when it is there and not one number.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<Number>> {
        match self.attribute(name) {
            None => Ok(None),
            Some(Value::Numbers(numbers)) if numbers.len() == 1 => Ok(Some(numbers[0])),
            Some(_) => Err(NetcdfError::AttributeType {
                variable: self.name.clone(),
                attribute: name,
                expected: "a number",
            }),
        }
    }

    /// How many elements the variable has: 1 for a scalar. A file can claim more than there are numbers.
    pub(crate) fn element_count(&self) -> u64 {
        self.shape
            .iter()
            .fold(1, |count, length| count.saturating_mul(*length))
    }

    /// The length along the one dimension; an error for scalars and for arrays of higher rank.
    pub(crate) fn row_count(&self) -> Result<u64> {
        match self.shape[..] {
            [rows] => Ok(rows),
            _ => Err(NetcdfError::Rank {
                variable: self.name.clone(),
                rank: self.shape.len(),
            }),
        }
    }
}

/// The elements of a variable of rank 0 or 1, little-endian, as stored before any decoding.
///
/// `runs` are sorted, do not overlap and end within `element_count`; elements between them hold `fill`.
pub(crate) struct Raw<'a> {
    pub(crate) element_count: usize,
    pub(crate) runs: Vec<Run<'a>>,
    pub(crate) fill: Vec<u8>,
}

/// Consecutive elements, beginning at element `start`.
pub(crate) struct Run<'a> {
    pub(crate) start: usize,
    pub(crate) bytes: Cow<'a, [u8]>,
}

impl Raw<'_> {
    /// Every element passed through `decode`; `S` must be the stored type.
    pub(crate) fn map<S: Stored, T: Clone>(&self, decode: impl Fn(S) -> T) -> Vec<T> {
        let mut values = Vec::with_capacity(self.element_count);
        let fill = || decode(S::from_bytes(&self.fill));
        for run in &self.runs {
            if values.len() < run.start {
                values.resize(run.start, fill());
            }
            S::extend(&run.bytes, &mut values, &decode);
        }
        if values.len() < self.element_count {
            values.resize(self.element_count, fill());
        }
        values
    }

    /// For how many elements `condition` holds.
    pub(crate) fn count<S: Stored>(&self, condition: impl Fn(S) -> bool) -> usize {
        let stored: usize = self.runs.iter().map(|run| run.bytes.len() / S::SIZE).sum();
        let unstored = self.element_count.saturating_sub(stored);
        let filled = if unstored > 0 && condition(S::from_bytes(&self.fill)) {
            unstored
        } else {
            0
        };
        let counts = self.runs.iter().map(|run| S::count(&run.bytes, &condition));
        filled + counts.sum::<usize>()
    }

    /// Whether `condition` holds for any element.
    pub(crate) fn any<S: Stored>(&self, condition: impl Fn(S) -> bool) -> bool {
        let stored: usize = self.runs.iter().map(|run| run.bytes.len() / S::SIZE).sum();
        (stored < self.element_count && condition(S::from_bytes(&self.fill)))
            || self.runs.iter().any(|run| S::any(&run.bytes, &condition))
    }
}

/// Read access to the root group of one file.
pub(crate) trait Container<'a> {
    /// Names of all datasets, in creation order where the file tracks it.
    fn names(&self) -> Result<Vec<String>>;
    /// One dataset with those of its attributes that are wanted; `None` when the file has none of that name.
    fn variable(&self, name: &str, wanted: &[&'static str]) -> Result<Option<Variable<'a>>>;
    /// The global attributes of the given names, in their order.
    fn global_attributes(&self, names: &[&str]) -> Result<Vec<Option<Value<'a>>>>;
    /// The elements of a numeric variable of rank 0 or 1.
    fn read(&self, variable: &Variable<'a>) -> Result<Raw<'a>>;
    /// The elements of a text variable of rank 0 or 1.
    fn read_text(&self, variable: &Variable<'a>) -> Result<Vec<String>>;

    /// One dataset with the attributes of its values; an error when the file has none of that name.
    fn required(&self, name: &str) -> Result<Variable<'a>> {
        self.variable(name, &VALUE_ATTRIBUTES)?
            .ok_or_else(|| NetcdfError::MissingVariable {
                variable: name.to_owned(),
            })
    }
}

/// Opens `bytes` and runs `decode` on the contents: on the fast reader, and again on the general one when the file uses
/// a part of HDF5 that the fast one leaves out. A panic becomes [`NetcdfError::Panicked`].
pub(crate) fn with_container<T>(
    bytes: &[u8],
    limits: &Limits,
    decode: impl Fn(&dyn Container<'_>) -> Result<T>,
) -> Result<T> {
    contained(|| {
        let fast = hdf5::File::open(bytes, limits).and_then(|file| decode(&file));
        match fast {
            Err(error) if error.is_unsupported() => {
                decode(&reader::ReaderFile::open(bytes, limits)?)
            }
            done => done,
        }
    })
}

fn contained<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Nothing outlives the call but its result, so no half-changed state can be seen after a panic.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "panic without a message".to_owned());
        Err(NetcdfError::Panicked { reason })
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    const ATTRIBUTES: [&str; 10] = [
        "_FillValue",
        "missing_value",
        "scale_factor",
        "add_offset",
        "_Unsigned",
        "units",
        "calendar",
        "CLASS",
        "NAME",
        "DIMENSION_LIST",
    ];

    fn files(folder: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let paths = folder
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|ending| ending == "nc"))
            .collect()
    }

    /// Everything that a container says about a variable of rank 0 or 1.
    fn described<'a>(container: &dyn Container<'a>, name: &str) -> String {
        let variable = container.variable(name, &ATTRIBUTES).unwrap().unwrap();
        let mut attributes = variable.attributes.clone();
        attributes.sort_by_key(|(key, _)| *key);
        let values = if variable.shape.len() > 1 {
            Vec::new()
        } else if variable.element.is_text() {
            container.read_text(&variable).unwrap()
        } else {
            let raw = container.read(&variable).unwrap();
            with_stored!(variable.element, S => raw.map(|stored: S| stored.to_string()), else Vec::new())
        };
        format!(
            "{name} {} {:?} {:?} {attributes:?} {values:?}",
            variable.address, variable.element, variable.shape
        )
    }

    #[test]
    fn both_readers_agree_on_every_variable() {
        let paths = [
            files("../../../apps/cases/data/glm"),
            files("tests/fixtures"),
            files("../../../apps/cases/faults/netcdf-missing-values"),
            files("../../../apps/cases/faults/netcdf-hidden-names"),
        ]
        .concat();
        let limits = Limits::default();
        let mut compared = 0;
        for path in &paths {
            let bytes = std::fs::read(path).unwrap();
            let reader = reader::ReaderFile::open(&bytes, &limits).unwrap();
            let Ok(fast) = hdf5::File::open(&bytes, &limits) else {
                continue;
            };
            let names = fast.names().unwrap();
            assert_eq!(names, reader.names().unwrap(), "{}", path.display());
            let globals = [
                "platform_ID",
                "time_coverage_start",
                "title",
                "version",
                "absent",
            ];
            assert_eq!(
                fast.global_attributes(&globals).unwrap(),
                reader.global_attributes(&globals).unwrap()
            );
            for name in &names {
                if fast
                    .variable(name, &ATTRIBUTES)
                    .is_err_and(|error| error.is_unsupported())
                {
                    continue;
                }
                assert_eq!(
                    described(&fast, name),
                    described(&reader, name),
                    "{}",
                    path.display()
                );
                compared += 1;
            }
        }
        assert!(compared > 7 * 50, "only {compared} variables were compared");
    }
}
