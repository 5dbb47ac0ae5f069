//! HDF5 as NetCDF-4 writers produce it, read in one walk over the metadata.
//!
//! Covered (HDF5 File Format Specification 3.0): superblock 2 and 3 with 8-byte offsets, version 2 object headers,
//! compact and dense links and attributes, compact, contiguous and chunked data under version 1 B-trees, deflate,
//! shuffle and fletcher32, text of fixed and variable length. Everything else is answered with
//! [`NetcdfError::Unsupported`], so that the general reader takes over. Every checksum on the way is verified; data is
//! not copied unless it is compressed or big-endian.

mod btree;
mod checksum;
mod chunk;
mod filter;
mod header;
mod heap;
mod message;
mod source;

use self::chunk::Chunks;
use self::filter::Filter;
use self::header::{Header, kind};
use self::heap::{FractalHeap, global_object};
use self::message::{Datatype, Link, Place};
use self::source::{Cursor, Source, UNDEFINED};
use crate::container::{Container, ElementType, Raw, Storage, Value, Variable};
use crate::error::{NetcdfError, Result};
use crate::limits::Limits;

/// How and where the data of a dataset is stored.
pub(crate) struct Layout<'a> {
    datatype: Datatype,
    place: Place<'a>,
    filters: Vec<Filter>,
    fill: &'a [u8],
}

#[cfg(test)]
impl Layout<'_> {
    /// Nothing stored, for tests of what attributes mean.
    pub(crate) fn empty() -> Self {
        let datatype = Datatype {
            element: ElementType::Other,
            size: 0,
            is_big_endian: false,
            is_space_padded: false,
            is_reference_list: false,
        };
        Self {
            datatype,
            place: Place::Compact(&[]),
            filters: Vec::new(),
            fill: &[],
        }
    }
}

/// An open file: its bytes and the links of its root group.
pub(crate) struct File<'a> {
    source: Source<'a>,
    root: Header<'a>,
    links: Vec<Link<'a>>,
}

impl<'a> File<'a> {
    pub(crate) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let source = Source::new(bytes, limits);
        let root = Header::parse(&source, header::root_address(&source, bytes)?)?;
        let links = links(&source, &root)?;
        Ok(Self {
            source,
            root,
            links,
        })
    }

    fn open_variable(
        &self,
        link: &Link<'a>,
        wanted: &[&'static str],
    ) -> Result<Option<Variable<'a>>> {
        let header = Header::parse(&self.source, link.address)?;
        // Groups have neither a datatype nor a layout.
        let (Some(mut datatype), Some(mut place)) =
            (header.find(kind::DATATYPE)?, header.find(kind::LAYOUT)?)
        else {
            return Ok(None);
        };
        if header.find(kind::EXTERNAL_FILES)?.is_some() {
            return Err(NetcdfError::unsupported("data in other files"));
        }
        let dataspace = header.find(kind::DATASPACE)?;
        let missing = || {
            NetcdfError::corrupt(
                header::as_length(link.address),
                "a dataset without a dataspace",
            )
        };
        let shape = message::dataspace(&mut dataspace.ok_or_else(missing)?)?;
        let datatype = Datatype::parse(&mut datatype)?;
        let layout = Layout {
            datatype,
            place: message::place(&mut place, datatype.size)?,
            filters: header
                .find(kind::FILTERS)?
                .map_or(Ok(Vec::new()), |mut body| message::filters(&mut body))?,
            fill: header
                .find(kind::FILL_VALUE)?
                .map_or(Ok(&[][..]), |mut body| message::fill_value(&mut body))?,
        };
        let mut attributes = Vec::with_capacity(wanted.len());
        for_each_attribute(&self.source, &header, wanted, |mut body| {
            let found = message::attribute(&self.source, &mut body, wanted)?;
            attributes.extend(found.map(|(place, value)| (wanted[place], value)));
            Ok(())
        })?;
        Ok(Some(Variable {
            name: link.name.clone().into_owned(),
            address: link.address,
            element: datatype.element,
            shape,
            attributes,
            storage: Storage::Native(layout),
        }))
    }

    /// The stored elements, each of `layout.datatype.size` bytes, in the byte order of the file.
    fn raw(&self, variable: &Variable<'a>, layout: &Layout<'a>) -> Result<Raw<'a>> {
        let element_bytes = layout.datatype.size;
        let element_count = variable.element_count();
        let byte_count = self
            .source
            .limits
            .dataset_bytes(element_count, element_bytes)? as u64;
        let element_count = element_count as usize;
        let short = || {
            NetcdfError::corrupt(
                header::as_length(variable.address),
                "compact data of another length",
            )
        };
        let runs = match layout.place {
            Place::Compact(bytes) => {
                chunk::contiguous(bytes.get(..byte_count as usize).ok_or_else(short)?)
            }
            Place::Contiguous(UNDEFINED) => Vec::new(),
            Place::Contiguous(address) => {
                chunk::contiguous(self.source.slice(address, byte_count)?)
            }
            Place::Chunked { tree, chunk } => {
                let filters = &layout.filters;
                Chunks {
                    source: &self.source,
                    filters,
                    element_count,
                    element_bytes,
                    chunk,
                }
                .runs(tree)?
            }
            Place::Array => return Err(NetcdfError::unsupported("arrays as columns")),
        };
        Ok(Raw {
            element_count,
            runs,
            fill: layout.fill.to_vec(),
        })
    }

    fn read_numbers(&self, variable: &Variable<'a>) -> Result<Raw<'a>> {
        let layout = layout(variable);
        let mut raw = self.raw(variable, layout)?;
        if layout.datatype.is_big_endian {
            chunk::reverse_elements(&mut raw.runs, layout.datatype.size);
            raw.fill.reverse();
        }
        Ok(raw)
    }

    fn read_strings(&self, variable: &Variable<'a>) -> Result<Vec<String>> {
        let layout = layout(variable);
        let Datatype {
            element,
            size,
            is_space_padded,
            ..
        } = layout.datatype;
        self.source
            .limits
            .dataset_bytes(variable.element_count(), size_of::<String>())?;
        let raw = self.raw(variable, layout)?;
        let mut strings = Vec::with_capacity(raw.element_count);
        let mut text_bytes = 0;
        for run in &raw.runs {
            strings.resize(run.start, String::new());
            for stored in run.bytes.chunks_exact(size.max(1)) {
                let stored = if element == ElementType::LongText {
                    global_object(&self.source, stored)?
                } else {
                    stored
                };
                // Many references may share one object, so what they add up to is bounded too.
                text_bytes += stored.len() as u64;
                self.source.limits.dataset_bytes(text_bytes, 1)?;
                strings.push(message::text(stored, is_space_padded).into_owned());
            }
        }
        strings.resize(raw.element_count, String::new());
        Ok(strings)
    }
}

impl<'a> Container<'a> for File<'a> {
    fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::with_capacity(self.links.len());
        for link in &self.links {
            let header = Header::parse(&self.source, link.address)?;
            if header.find(kind::LAYOUT)?.is_some() {
                names.push(link.name.clone().into_owned());
            }
        }
        Ok(names)
    }

    fn variable(&self, name: &str, wanted: &[&'static str]) -> Result<Option<Variable<'a>>> {
        match self.links.iter().find(|link| link.name == name) {
            Some(link) => self
                .open_variable(link, wanted)
                .map_err(|error| error.in_variable(name)),
            None => Ok(None),
        }
    }

    fn global_attributes(&self, names: &[&str]) -> Result<Vec<Option<Value<'a>>>> {
        let mut values = vec![None; names.len()];
        for_each_attribute(&self.source, &self.root, names, |mut body| {
            if let Some((place, value)) = message::attribute(&self.source, &mut body, names)? {
                values[place] = Some(value);
            }
            Ok(())
        })?;
        Ok(values)
    }

    fn read(&self, variable: &Variable<'a>) -> Result<Raw<'a>> {
        self.read_numbers(variable)
            .map_err(|error| error.in_variable(&variable.name))
    }

    fn read_text(&self, variable: &Variable<'a>) -> Result<Vec<String>> {
        self.read_strings(variable)
            .map_err(|error| error.in_variable(&variable.name))
    }
}

fn layout<'v, 'a>(variable: &'v Variable<'a>) -> &'v Layout<'a> {
    match &variable.storage {
        Storage::Native(layout) => layout,
        Storage::Reader(_) => unreachable!("a variable is read by the reader that opened it"),
    }
}

/// The links of the root group, in creation order where the group tracks it.
fn links<'a>(source: &Source<'a>, root: &Header<'a>) -> Result<Vec<Link<'a>>> {
    const LINK_NAME_INDEX: u8 = 5;
    const NAME_HASH_BYTES: usize = 4;
    const CREATION_INDEX_BYTES: usize = 8;
    if root.find(kind::SYMBOL_TABLE)?.is_some() {
        return Err(NetcdfError::unsupported("symbol tables"));
    }
    let mut links = Vec::with_capacity(64);
    for body in root.all(kind::LINK) {
        links.push(message::link(&mut body?)?);
    }
    if let Some(mut info) = root.find(kind::LINK_INFO)?
        && let Some((heap, index)) = message::dense_storage(&mut info, CREATION_INDEX_BYTES)?
    {
        let heap = FractalHeap::open(source, heap)?;
        btree::for_each_record(source, index, LINK_NAME_INDEX, |record| {
            let id = record.get(NAME_HASH_BYTES..).unwrap_or_default();
            links.push(message::link(&mut heap.object(id)?)?);
            Ok(())
        })?;
    }
    if links.iter().all(|link| link.creation_order.is_some()) {
        links.sort_by_key(|link| link.creation_order);
    }
    Ok(links)
}

/// Calls `visit` with the message of every attribute of an object whose name may be in `wanted`: dense attributes are
/// told apart by the hash of their name, so that the others need not be looked at.
fn for_each_attribute<'a>(
    source: &Source<'a>,
    header: &Header<'a>,
    wanted: &[&str],
    mut visit: impl FnMut(Cursor<'a>) -> Result<()>,
) -> Result<()> {
    const ATTRIBUTE_NAME_INDEX: u8 = 8;
    const CREATION_INDEX_BYTES: usize = 2;
    const SHARED: u8 = 2;
    for body in header.all(kind::ATTRIBUTE) {
        visit(body?)?;
    }
    if let Some(mut info) = header.find(kind::ATTRIBUTE_INFO)?
        && let Some((heap, index)) = message::dense_storage(&mut info, CREATION_INDEX_BYTES)?
    {
        let heap = FractalHeap::open(source, heap)?;
        let hashes: Vec<u32> = wanted
            .iter()
            .map(|name| checksum::lookup3(name.as_bytes()))
            .collect();
        btree::for_each_record(source, index, ATTRIBUTE_NAME_INDEX, |record| {
            // Heap id, flags, creation order, hash of the name.
            let Some(([id @ .., flags, _, _, _, _], hash)) = record.split_last_chunk::<4>() else {
                return Err(NetcdfError::unsupported(
                    "an index of attributes with other records",
                ));
            };
            if !hashes.contains(&u32::from_le_bytes(*hash)) {
                return Ok(());
            }
            if flags & SHARED != 0 {
                return Err(NetcdfError::unsupported("shared attributes"));
            }
            visit(heap.object(id)?)
        })?;
    }
    Ok(())
}
