//! Version 2 B-trees, the indexes of dense links and attributes (HDF5 File Format Specification 3.0, III.A.2).

use super::header::as_length;
use super::source::{Cursor, Source, UNDEFINED};
use crate::error::{NetcdfError, Result};

/// Bytes of a node besides records and child pointers: signature, version, type, checksum.
const NODE_OVERHEAD: usize = 10;

struct Tree<'s, 'a> {
    source: &'s Source<'a>,
    kind: u8,
    node_bytes: usize,
    record_bytes: usize,
    /// Per depth, beginning with the leaves: bytes of the count of all records below a child of that depth.
    total_bytes: Vec<usize>,
    /// Bytes of the count of records in a child.
    count_bytes: usize,
}

/// Calls `visit` with every record of the tree of type `kind` at `address`, in order.
pub(super) fn for_each_record<'a>(
    source: &Source<'a>,
    address: u64,
    kind: u8,
    mut visit: impl FnMut(&'a [u8]) -> Result<()>,
) -> Result<()> {
    if address == UNDEFINED {
        return Ok(());
    }
    source.visit()?;
    let mut cursor = source.cursor(address)?;
    cursor.expect(b"BTHD", "B-tree")?;
    cursor.expect_version(0, "B-tree")?;
    let found = cursor.u8()?;
    let (node_bytes, record_bytes) = (cursor.u32()? as usize, usize::from(cursor.u16()?));
    let depth = usize::from(cursor.u16()?);
    cursor.skip(2)?;
    let (root, record_count) = (cursor.u64()?, u64::from(cursor.u16()?));
    cursor.skip(8)?;
    cursor.expect_checksum("B-tree")?;
    source.check_depth("the depth of a B-tree", depth)?;
    if found != kind || record_bytes == 0 || node_bytes < NODE_OVERHEAD + record_bytes {
        return Err(NetcdfError::corrupt(
            as_length(address),
            "a B-tree whose records do not fit their use",
        ));
    }
    if root == UNDEFINED {
        return Ok(());
    }
    let tree = Tree::new(source, kind, node_bytes, record_bytes, depth);
    tree.walk(root, record_count, depth, &mut visit)
}

impl<'s, 'a> Tree<'s, 'a> {
    fn new(
        source: &'s Source<'a>,
        kind: u8,
        node_bytes: usize,
        record_bytes: usize,
        depth: usize,
    ) -> Self {
        let leaf_records = (node_bytes - NODE_OVERHEAD) / record_bytes;
        let count_bytes = encoded_bytes(leaf_records as u64);
        let mut totals = vec![leaf_records as u64];
        let mut total_bytes = vec![0];
        for level in 1..=depth {
            let pointer = 8 + count_bytes + total_bytes[level - 1];
            let records = (node_bytes.saturating_sub(NODE_OVERHEAD + pointer)
                / (record_bytes + pointer)) as u64;
            let total = (records + 1)
                .saturating_mul(totals[level - 1])
                .saturating_add(records);
            totals.push(total);
            total_bytes.push(encoded_bytes(total));
        }
        Self {
            source,
            kind,
            node_bytes,
            record_bytes,
            total_bytes,
            count_bytes,
        }
    }

    fn walk(
        &self,
        address: u64,
        record_count: u64,
        depth: usize,
        visit: &mut impl FnMut(&'a [u8]) -> Result<()>,
    ) -> Result<()> {
        self.source.visit()?;
        let node = self.source.slice(address, self.node_bytes as u64)?;
        let mut cursor = Cursor::new(node, address as usize);
        cursor.expect(if depth == 0 { b"BTLF" } else { b"BTIN" }, "B-tree node")?;
        cursor.expect_version(0, "B-tree node")?;
        if cursor.u8()? != self.kind {
            return Err(NetcdfError::corrupt(
                address as usize,
                "a B-tree node of another type than its tree",
            ));
        }
        let record_count = as_length(record_count);
        let mut records = cursor.clone();
        cursor.skip(record_count.saturating_mul(self.record_bytes))?;
        let mut children = Vec::new();
        if depth > 0 {
            for _ in 0..=record_count {
                children.push((cursor.u64()?, cursor.uint(self.count_bytes)?));
                cursor.skip(self.total_bytes[depth - 1])?;
            }
        }
        cursor.expect_checksum("B-tree node")?;
        for index in 0..record_count.max(children.len()) {
            if let Some((child, child_records)) = children.get(index) {
                self.walk(*child, *child_records, depth - 1, visit)?;
            }
            if index < record_count {
                visit(records.take(self.record_bytes)?)?;
            }
        }
        Ok(())
    }
}

/// Bytes that hold any count up to `max`.
fn encoded_bytes(max: u64) -> usize {
    (max.max(1).ilog2() / 8 + 1) as usize
}
