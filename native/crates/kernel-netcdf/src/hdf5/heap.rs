//! Fractal heaps, which hold dense links and attributes, and global heaps, which hold data of variable length
//! (HDF5 File Format Specification 3.0, III.E and III.F).

use std::cell::RefCell;

use super::checksum::{is_intact, lookup3_with_hole};
use super::header::as_length;
use super::source::{Cursor, Source, UNDEFINED};
use crate::error::{NetcdfError, Result};

/// A fractal heap whose objects lie in the direct blocks below its root.
pub(super) struct FractalHeap<'s, 'a> {
    source: &'s Source<'a>,
    address: u64,
    offset_bytes: usize,
    length_bytes: usize,
    has_checksums: bool,
    blocks: Vec<Block>,
    /// Blocks already found intact, by their index.
    verified: RefCell<Vec<bool>>,
}

/// A direct block: where its bytes are in the file and in the address space of the heap.
struct Block {
    address: u64,
    offset: u64,
    size: u64,
}

impl<'s, 'a> FractalHeap<'s, 'a> {
    pub(super) fn open(source: &'s Source<'a>, address: u64) -> Result<Self> {
        source.visit()?;
        let mut cursor = source.cursor(address)?;
        cursor.expect(b"FRHP", "fractal heap")?;
        cursor.expect_version(0, "fractal heap")?;
        cursor.skip(2)?;
        let filter_bytes = cursor.u16()?;
        let flags = cursor.u8()?;
        let managed_max = cursor.u32()?;
        cursor.skip(12 * 8)?;
        let shape = Shape {
            width: u64::from(cursor.u16()?),
            start: cursor.u64()?,
            direct_max: cursor.u64()?,
            offset_bytes: usize::from(cursor.u16()?).div_ceil(8),
        };
        cursor.skip(2)?;
        let (root, row_count) = (cursor.u64()?, u64::from(cursor.u16()?));
        if filter_bytes != 0 {
            return Err(NetcdfError::unsupported("compressed attributes"));
        }
        cursor.expect_checksum("fractal heap")?;
        shape.check(address)?;
        let blocks = if root == UNDEFINED {
            Vec::new()
        } else if row_count == 0 {
            vec![Block {
                address: root,
                offset: 0,
                size: shape.start,
            }]
        } else {
            shape.blocks(source, address, root, row_count)?
        };
        let length_bytes = shape.length_bytes(managed_max);
        let verified = RefCell::new(vec![false; blocks.len()]);
        let (offset_bytes, has_checksums) = (shape.offset_bytes, flags & 2 != 0);
        Ok(Self {
            source,
            address,
            offset_bytes,
            length_bytes,
            has_checksums,
            blocks,
            verified,
        })
    }

    /// The object with the given heap id.
    pub(super) fn object(&self, id: &[u8]) -> Result<Cursor<'a>> {
        let mut cursor = Cursor::new(id, as_length(self.address));
        if cursor.u8()? & 0x30 != 0 {
            return Err(NetcdfError::unsupported(
                "huge or tiny objects in a fractal heap",
            ));
        }
        let (offset, length) = (
            cursor.uint(self.offset_bytes)?,
            cursor.uint(self.length_bytes)?,
        );
        let outside =
            || NetcdfError::corrupt(as_length(self.address), "a heap object outside of its heap");
        let holds = |block: &Block| block.offset <= offset && offset - block.offset < block.size;
        let index = self.blocks.iter().position(holds).ok_or_else(outside)?;
        let block = &self.blocks[index];
        self.verify(index, block)?;
        let start = offset - block.offset;
        if length > block.size - start {
            return Err(outside());
        }
        let at = block.address + start;
        Ok(Cursor::new(self.source.slice(at, length)?, at as usize))
    }

    fn verify(&self, index: usize, block: &Block) -> Result<()> {
        if self.verified.borrow()[index] {
            return Ok(());
        }
        self.source.visit()?;
        let bytes = self.source.slice(block.address, block.size)?;
        let mut cursor = Cursor::new(bytes, block.address as usize);
        cursor.expect(b"FHDB", "heap block")?;
        cursor.expect_version(0, "heap block")?;
        let (heap, offset) = (cursor.u64()?, cursor.uint(self.offset_bytes)?);
        if heap != self.address || offset != block.offset {
            return Err(NetcdfError::corrupt(
                block.address as usize,
                "a heap block of another place",
            ));
        }
        if self.has_checksums {
            let hole = cursor.consumed().len();
            let stored = cursor.u32()?;
            if !is_intact(stored, lookup3_with_hole(bytes, hole)) {
                return Err(NetcdfError::Checksum {
                    structure: "heap block",
                    offset: block.address,
                });
            }
        }
        self.verified.borrow_mut()[index] = true;
        Ok(())
    }
}

/// How the blocks of a fractal heap grow: rows of `width` blocks, of `start` bytes in the first two rows and twice
/// those of the row before in each further row, direct up to `direct_max` bytes.
struct Shape {
    width: u64,
    start: u64,
    direct_max: u64,
    offset_bytes: usize,
}

impl Shape {
    fn check(&self, address: u64) -> Result<()> {
        let is_sound = self.width > 0
            && self.start.is_power_of_two()
            && self.direct_max.is_power_of_two()
            && (32..=self.direct_max).contains(&self.start)
            && self.direct_max <= u64::from(u32::MAX)
            && self.offset_bytes <= 8;
        if is_sound {
            Ok(())
        } else {
            Err(NetcdfError::corrupt(
                as_length(address),
                "a fractal heap of impossible shape",
            ))
        }
    }

    /// Bytes of a length in a heap id: enough for the largest block and for the largest object, whichever is smaller.
    fn length_bytes(&self, managed_max: u32) -> usize {
        let block_bytes = (self.direct_max.ilog2() as usize).div_ceil(8);
        let object_bytes = managed_max.max(1).ilog2() as usize / 8 + 1;
        block_bytes.min(object_bytes)
    }

    /// The direct blocks of the indirect root block.
    fn blocks(
        &self,
        source: &Source<'_>,
        heap: u64,
        root: u64,
        row_count: u64,
    ) -> Result<Vec<Block>> {
        let direct_rows = u64::from(self.direct_max.ilog2() - self.start.ilog2()) + 2;
        if row_count > direct_rows {
            return Err(NetcdfError::unsupported(
                "attributes or links of more than about a megabyte",
            ));
        }
        source.visit()?;
        let mut cursor = source.cursor(root)?;
        cursor.expect(b"FHIB", "indirect heap block")?;
        cursor.expect_version(0, "indirect heap block")?;
        if cursor.u64()? != heap {
            return Err(NetcdfError::corrupt(
                root as usize,
                "a heap block of another heap",
            ));
        }
        cursor.skip(self.offset_bytes)?;
        let mut blocks = Vec::new();
        let mut offset = 0;
        for row in 0..row_count {
            let size = self.start << row.saturating_sub(1);
            for _ in 0..self.width {
                let address = cursor.u64()?;
                if address != UNDEFINED {
                    blocks.push(Block {
                        address,
                        offset,
                        size,
                    });
                }
                offset += size;
            }
        }
        cursor.expect_checksum("indirect heap block")?;
        Ok(blocks)
    }
}

/// An object of a global heap collection.
///
/// `reference` is what stands in the place of the data: `u32` length, `u64` collection address, `u32` index. An empty
/// value refers to nothing.
pub(super) fn global_object<'a>(source: &Source<'a>, reference: &[u8]) -> Result<&'a [u8]> {
    let mut cursor = Cursor::new(reference, 0);
    let (length, address, index) = (cursor.u32()?, cursor.u64()?, cursor.u32()?);
    if length == 0 || address == 0 || address == UNDEFINED {
        return Ok(&[]);
    }
    let mut cursor = source.cursor(address)?;
    cursor.expect(b"GCOL", "global heap")?;
    cursor.expect_version(1, "global heap")?;
    cursor.skip(3)?;
    let size = cursor.u64()?;
    let mut objects = Cursor::new(source.slice(address, size)?, address as usize);
    objects.skip(cursor.consumed().len())?;
    while objects.remaining() >= 16 {
        source.visit()?;
        let found = u32::from(objects.u16()?);
        objects.skip(6)?;
        let object_length = as_length(objects.u64()?);
        if found == index {
            return objects.take(object_length);
        }
        // Index 0 is the free space, which is always last.
        if found == 0 {
            break;
        }
        objects.skip(
            object_length
                .checked_next_multiple_of(8)
                .unwrap_or(usize::MAX),
        )?;
    }
    Err(NetcdfError::corrupt(
        address as usize,
        format!("the global heap has no object {index}"),
    ))
}
