//! The general reader: the crate `hdf5-reader` behind the [`Container`] interface.

use std::borrow::Cow;

use hdf5_reader::group::Group;
use hdf5_reader::{
    Attribute, ByteOrder, Datatype, Hdf5File, OpenOptions, ReferenceType, StringSize, VarLenKind,
};

use super::{Container, ElementType, Raw, Run, Storage, Value, Variable, with_stored};
use crate::container::Stored;
use crate::error::{NetcdfError, Result};
use crate::limits::Limits;

pub(crate) struct ReaderFile {
    root: Group,
    limits: Limits,
}

/// Object headers of NetCDF files take a few KiB.
const OBJECT_HEADER_BYTES_MAX: usize = 4 << 20;

impl ReaderFile {
    /// Opens a copy of `bytes`.
    pub(crate) fn open(bytes: &[u8], limits: &Limits) -> Result<Self> {
        let dataset_bytes_max = usize::try_from(limits.dataset_bytes_max).unwrap_or(usize::MAX);
        let options = OpenOptions {
            chunk_cache_bytes: 0,
            chunk_cache_slots: 1,
            ..OpenOptions::default()
        }
        .with_max_chunk_bytes(dataset_bytes_max)
        .with_max_read_bytes(dataset_bytes_max)
        .with_max_object_header_bytes(OBJECT_HEADER_BYTES_MAX);
        let file = Hdf5File::from_bytes_with_options(bytes, options).map_err(refused)?;
        Ok(Self {
            root: file.root_group().map_err(refused)?,
            limits: limits.clone(),
        })
    }
}

impl<'a> Container<'a> for ReaderFile {
    fn names(&self) -> Result<Vec<String>> {
        Ok(self.root.member_names().map_err(refused)?.1)
    }

    fn variable(&self, name: &str, wanted: &[&'static str]) -> Result<Option<Variable<'a>>> {
        let dataset = match self.root.dataset(name) {
            Ok(dataset) => dataset,
            Err(hdf5_reader::error::Error::DatasetNotFound(_)) => return Ok(None),
            Err(error) => return Err(refused(error).in_variable(name)),
        };
        let mut attributes = Vec::new();
        for key in wanted {
            if let Ok(attribute) = dataset.attribute(key)
                && let Some(value) = self.value(&attribute)?
            {
                attributes.push((*key, value));
            }
        }
        Ok(Some(Variable {
            name: name.to_owned(),
            address: dataset.address(),
            element: element_type(dataset.dtype()),
            shape: dataset.shape().to_vec(),
            attributes,
            storage: Storage::Reader(Box::new(dataset)),
        }))
    }

    fn global_attributes(&self, names: &[&str]) -> Result<Vec<Option<Value<'a>>>> {
        let attributes = self.root.attributes().map_err(refused)?;
        names
            .iter()
            .map(|name| {
                let attribute = attributes.iter().find(|attribute| attribute.name == *name);
                attribute.map_or(Ok(None), |attribute| self.value(attribute))
            })
            .collect()
    }

    fn read(&self, variable: &Variable<'a>) -> Result<Raw<'a>> {
        let dataset = dataset(variable);
        let element_count = variable.element_count();
        self.limits
            .dataset_bytes(element_count, variable.element.size())
            .and_then(|_| dataset.read_native_bytes().map_err(refused))
            .map(|bytes| Raw {
                element_count: element_count as usize,
                runs: vec![Run {
                    start: 0,
                    bytes: Cow::Owned(to_little_endian(bytes, variable.element.size())),
                }],
                fill: Vec::new(),
            })
            .map_err(|error| error.in_variable(&variable.name))
    }

    fn read_text(&self, variable: &Variable<'a>) -> Result<Vec<String>> {
        let element_count = variable.element_count();
        self.limits
            .dataset_bytes(
                element_count,
                variable.element.size().max(size_of::<String>()),
            )
            .and_then(|_| dataset(variable).read_strings().map_err(refused))
            .map_err(|error| error.in_variable(&variable.name))
    }
}

impl ReaderFile {
    fn value<'a>(&self, attribute: &Attribute) -> Result<Option<Value<'a>>> {
        if let Ok(text) = attribute.read_string()
            && attribute.num_elements().is_ok_and(|count| count <= 1)
        {
            return Ok(Some(Value::Texts(vec![Cow::Owned(text)])));
        }
        if let Ok(texts) = attribute.read_strings() {
            let texts: Vec<_> = texts.into_iter().map(Cow::Owned).collect();
            return Ok((!texts.is_empty()).then_some(Value::Texts(texts)));
        }
        if let Datatype::VarLen { base, .. } = &attribute.datatype
            && matches!(
                **base,
                Datatype::Reference {
                    ref_type: ReferenceType::Object,
                    ..
                }
            )
        {
            return self
                .references(attribute)
                .map(|addresses| Some(Value::References(addresses)));
        }
        let element = element_type(&attribute.datatype);
        let mut bytes = attribute.raw_data.clone();
        if byte_order(&attribute.datatype) == Some(ByteOrder::BigEndian) {
            bytes
                .chunks_exact_mut(element.size().max(1))
                .for_each(<[u8]>::reverse);
        }
        Ok(
            with_stored!(element, S => (bytes.len() >= S::SIZE).then(|| Value::Numbers(S::numbers(&bytes))), else None),
        )
    }

    /// The object addresses of a list of variable-length lists of references, first of each.
    fn references(&self, attribute: &Attribute) -> Result<Vec<u64>> {
        let reference_bytes = 8 + usize::from(self.root.offset_size());
        let first = |reference: &[u8]| {
            let addresses = self
                .root
                .resolve_vlen_reference_bytes(reference, 8)
                .map_err(refused)?;
            Ok(u64::from_bytes(&addresses))
        };
        attribute
            .raw_data
            .chunks_exact(reference_bytes)
            .map(first)
            .collect()
    }
}

fn dataset<'v>(variable: &'v Variable<'_>) -> &'v hdf5_reader::Dataset {
    match &variable.storage {
        Storage::Reader(dataset) => dataset,
        Storage::Native(_) => unreachable!("a variable is read by the reader that opened it"),
    }
}

fn element_type(datatype: &Datatype) -> ElementType {
    match datatype {
        Datatype::FixedPoint { size, signed, .. } => {
            ElementType::integer(u64::from(*size), *signed)
        }
        Datatype::FloatingPoint { size, .. } => ElementType::float(u64::from(*size)),
        Datatype::String {
            size: StringSize::Fixed(size),
            ..
        } => Some(ElementType::Text(*size as usize)),
        Datatype::String { .. }
        | Datatype::VarLen {
            kind: VarLenKind::String,
            ..
        } => Some(ElementType::LongText),
        _ => None,
    }
    .unwrap_or(ElementType::Other)
}

fn byte_order(datatype: &Datatype) -> Option<ByteOrder> {
    match datatype {
        Datatype::FixedPoint { byte_order, .. } | Datatype::FloatingPoint { byte_order, .. } => {
            Some(*byte_order)
        }
        _ => None,
    }
}

fn to_little_endian(mut bytes: Vec<u8>, size: usize) -> Vec<u8> {
    if cfg!(target_endian = "big") {
        bytes
            .chunks_exact_mut(size.max(1))
            .for_each(<[u8]>::reverse);
    }
    bytes
}

fn refused(error: hdf5_reader::error::Error) -> NetcdfError {
    NetcdfError::Reader {
        reason: error.to_string(),
    }
}
