//! What a message has beside its value → columns.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryBuilder, ListBuilder, PrimitiveBuilder, StringBuilder, StructBuilder,
};
use arrow_array::types::{ArrowPrimitiveType, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_schema::{DataType, Field, Fields, TimeUnit};

use crate::error::{KafkaError, Result};
use crate::fetched::Block;
use crate::message_set::{MessageSet, headers_of};
use crate::record::Message;

/// What an Arrow column of 32-bit offsets holds, in bytes.
const COLUMN_BYTES_MAX: usize = i32::MAX as usize;

/// Something that a message has beside its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    /// When its producer made it or, if the topic is set so, when the broker took it: `timestamp[us, UTC]`, the type of a
    /// pipeline's other times; null when it has none.
    Timestamp,
    /// Its key: `binary`, as a key need not be text; null when it has none.
    Key,
    /// Where it was: `int32`.
    Partition,
    /// Its place there: `int64`.
    Offset,
    /// Its headers in their order: `list<struct<key: utf8, value: binary>>`, as Spark has them; names that are not UTF-8
    /// are with U+FFFD for what is not.
    Headers,
}

impl Metadata {
    /// The type of its column.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Key => DataType::Binary,
            Self::Partition => DataType::Int32,
            Self::Offset => DataType::Int64,
            Self::Headers => DataType::List(Arc::new(header_item())),
        }
    }

    /// Whether a message can be without it.
    #[must_use]
    pub fn is_nullable(self) -> bool {
        matches!(self, Self::Timestamp | Self::Key)
    }
}

fn header_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Binary, true),
    ])
}

fn header_item() -> Field {
    Field::new_list_field(DataType::Struct(header_fields()), true)
}

impl MessageSet {
    /// Metadata of the messages at these indexes, or of all. Cost: linear.
    ///
    /// Errors: [`KafkaError::NoMessage`]; [`KafkaError::ColumnTooLarge`] for more than 2 GiB of keys or headers.
    pub fn metadata(&self, kind: Metadata, taken: Option<&[u32]>) -> Result<ArrayRef> {
        Ok(match kind {
            Metadata::Timestamp => {
                let mut times = self.fixed::<TimestampMicrosecondType>(taken, |_, message| {
                    let time = (message.timestamp >= 0).then_some(message.timestamp);
                    time.and_then(|time| time.checked_mul(1_000))
                })?;
                Arc::new(times.finish().with_timezone("UTC"))
            }
            Metadata::Partition => {
                let mut found = self.fixed::<Int32Type>(taken, |block, _| Some(block.partition))?;
                Arc::new(found.finish())
            }
            Metadata::Offset => {
                let mut found =
                    self.fixed::<Int64Type>(taken, |_, message| Some(message.offset))?;
                Arc::new(found.finish())
            }
            Metadata::Key => self.keys(taken)?,
            Metadata::Headers => self.headers(taken)?,
        })
    }

    fn fixed<T: ArrowPrimitiveType>(
        &self,
        taken: Option<&[u32]>,
        value: impl Fn(&Block, &Message) -> Option<T::Native>,
    ) -> Result<PrimitiveBuilder<T>> {
        let count = taken.map_or(self.count(), <[u32]>::len);
        let mut values = PrimitiveBuilder::with_capacity(count);
        self.for_each(taken, |block, message| {
            values.append_option(value(block, message));
            Ok(())
        })?;
        Ok(values)
    }

    fn keys(&self, taken: Option<&[u32]>) -> Result<ArrayRef> {
        let mut keys = BinaryBuilder::new();
        let mut room = Room::new("keys");
        self.for_each(taken, |block, message| {
            let key = message.key.range().map(|range| &block.bytes[range]);
            room.take(key.map_or(0, <[u8]>::len))?;
            keys.append_option(key);
            Ok(())
        })?;
        Ok(Arc::new(keys.finish()))
    }

    fn headers(&self, taken: Option<&[u32]>) -> Result<ArrayRef> {
        let item = StructBuilder::from_fields(header_fields(), 0);
        let mut lists = ListBuilder::new(item).with_field(header_item());
        let mut room = Room::new("headers");
        self.for_each(taken, |block, message| {
            for (name, value) in headers_of(block, message) {
                let name = String::from_utf8_lossy(name);
                // A header takes a place in its list, too.
                room.take(name.len() + value.map_or(0, <[u8]>::len) + 1)?;
                let items = lists.values();
                if let Some(names) = items.field_builder::<StringBuilder>(0) {
                    names.append_value(&name);
                }
                if let Some(values) = items.field_builder::<BinaryBuilder>(1) {
                    values.append_option(value);
                }
                items.append(true);
            }
            lists.append(true);
            Ok(())
        })?;
        Ok(Arc::new(lists.finish()))
    }

    fn for_each(
        &self,
        taken: Option<&[u32]>,
        mut visit: impl FnMut(&Block, &Message) -> Result<()>,
    ) -> Result<()> {
        let Some(taken) = taken else {
            return self.blocks.iter().try_for_each(|block| {
                let mut messages = block.messages.iter();
                messages.try_for_each(|message| visit(block, message))
            });
        };
        taken.iter().try_for_each(|index| {
            let (block, message) = self.message(*index as usize)?;
            visit(block, message)
        })
    }
}

/// What is left of a column.
struct Room {
    what: &'static str,
    left: usize,
}

impl Room {
    fn new(what: &'static str) -> Self {
        let left = COLUMN_BYTES_MAX;
        Self { what, left }
    }

    fn take(&mut self, bytes: usize) -> Result<()> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(KafkaError::ColumnTooLarge { what: self.what })?;
        Ok(())
    }
}
