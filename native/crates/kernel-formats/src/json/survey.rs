//! Walks over a whole JSON file before any of its rows are given away: whether its outline is sound, and where it
//! can be cut into pieces.
//!
//! Method: quotes, backslashes and brackets of 64 bytes at a time as bit masks (Langdale and Lemire, "Parsing
//! gigabytes of JSON per second", 2019).

use memchr::memchr;

use super::params::JsonLayout;

const BLOCK: usize = 64;
const ONES: u64 = 0x0101_0101_0101_0101;

/// What is wrong with a file's outline, and where, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsound {
    pub(crate) offset: u64,
    pub(crate) reason: String,
}

/// Sees a file's text in portions of any size.
pub(super) struct Survey {
    layout: JsonLayout,
    piece_bytes: usize,
    row_bytes_max: usize,
    /// Text that does not fill a block yet.
    rest: Vec<u8>,
    offset: u64,
    /// Whether the last byte was a backslash that escapes the next one.
    is_escaped: bool,
    is_in_string: bool,
    depth: u64,
    place: Place,
    cuts: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Within,
    After,
}

/// One bit for each byte of a block.
#[derive(Debug, Default, PartialEq, Eq)]
struct Masks {
    quotes: u64,
    backslashes: u64,
    opening: u64,
    closing: u64,
}

impl Survey {
    /// Cuts come about every `piece_bytes`; a row is at most `row_bytes_max` long.
    pub(super) fn new(layout: JsonLayout, piece_bytes: usize, row_bytes_max: usize) -> Self {
        Self {
            layout,
            piece_bytes,
            row_bytes_max,
            rest: Vec::new(),
            offset: 0,
            is_escaped: false,
            is_in_string: false,
            depth: 0,
            place: Place::Before,
            cuts: vec![0],
        }
    }

    /// Sees the next text. Cost: linear, without allocation but for the cuts.
    pub(super) fn see(&mut self, mut text: &[u8]) -> Result<(), Unsound> {
        if self.layout == JsonLayout::Lines {
            return self.see_lines(text);
        }
        if !self.rest.is_empty() {
            let (head, tail) = text.split_at(text.len().min(BLOCK - self.rest.len()));
            self.rest.extend_from_slice(head);
            text = tail;
            let Ok(block) = <[u8; BLOCK]>::try_from(self.rest.as_slice()) else {
                return Ok(());
            };
            self.rest.clear();
            self.see_block(&block)?;
        }
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        self.rest.extend_from_slice(rest);
        blocks.iter().try_for_each(|block| self.see_block(block))
    }

    /// Where the pieces begin, and where the last one ends: all of the text.
    pub(super) fn finish(mut self) -> Result<Vec<u64>, Unsound> {
        if self.layout == JsonLayout::Array {
            let length = self.offset + self.rest.len() as u64;
            let mut block = [b' '; BLOCK];
            block[..self.rest.len()].copy_from_slice(&self.rest);
            self.see_block(&block)?;
            self.offset = length;
            if self.place == Place::Within {
                let what = if self.is_in_string {
                    "a string"
                } else {
                    "the array"
                };
                return Err(self.unsound(0, format!("the file ends before {what} is closed")));
            }
        }
        self.cuts.push(self.offset);
        Ok(self.cuts)
    }

    fn last_cut(&self) -> u64 {
        self.cuts.last().copied().unwrap_or_default()
    }

    fn unsound(&self, index: usize, reason: impl Into<String>) -> Unsound {
        Unsound {
            offset: self.offset + index as u64,
            reason: reason.into(),
        }
    }

    /// Errors when no cut was found for longer than a row may be.
    fn check_row(&self, found_to: u64) -> Result<(), Unsound> {
        let limit = self.last_cut() + (self.piece_bytes + self.row_bytes_max) as u64;
        if found_to > limit {
            let reason = format!("a row is longer than {} bytes", self.row_bytes_max);
            return Err(Unsound {
                offset: self.last_cut(),
                reason,
            });
        }
        Ok(())
    }

    fn see_lines(&mut self, text: &[u8]) -> Result<(), Unsound> {
        let end = self.offset + text.len() as u64;
        loop {
            let wanted = self.last_cut() + self.piece_bytes as u64;
            let Some(start) = wanted.max(self.offset).checked_sub(self.offset) else {
                break;
            };
            let Some(rest) = text.get(start as usize..) else {
                break;
            };
            let Some(length) = memchr(b'\n', rest) else {
                break;
            };
            self.cuts.push(self.offset + start + length as u64 + 1);
        }
        self.offset = end;
        self.check_row(end)
    }

    fn see_block(&mut self, block: &[u8; BLOCK]) -> Result<(), Unsound> {
        let masks = masks_of(block);
        let quotes = masks.quotes & !self.escaped(masks.backslashes);
        let strings = prefix_xor(quotes) ^ if self.is_in_string { u64::MAX } else { 0 };
        self.is_in_string = strings >> 63 == 1;
        let (opening, closing) = (masks.opening & !strings, masks.closing & !strings);
        let closing_count = u64::from(closing.count_ones());
        let wants_cut = self.offset + BLOCK as u64 > self.last_cut() + self.piece_bytes as u64;
        if self.depth > closing_count && !wants_cut {
            self.depth = self.depth + u64::from(opening.count_ones()) - closing_count;
        } else {
            self.see_structure(block, opening, closing, strings)?;
            self.check_row(self.offset)?;
        }
        self.offset += BLOCK as u64;
        Ok(())
    }

    /// The same as counting brackets, one after the other: the array may begin or end here, or a cut is wanted.
    fn see_structure(
        &mut self,
        block: &[u8; BLOCK],
        opening: u64,
        closing: u64,
        strings: u64,
    ) -> Result<(), Unsound> {
        for (index, byte) in block.iter().enumerate() {
            let is_blank = matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
            let bit = 1 << index;
            match self.place {
                Place::Within if opening & bit != 0 => self.depth += 1,
                Place::Within if closing & bit != 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.place = Place::After;
                    }
                }
                Place::Within if *byte == b',' && self.depth == 1 && strings & bit == 0 => {
                    let next = self.offset + index as u64 + 1;
                    if next >= self.last_cut() + self.piece_bytes as u64 {
                        self.cuts.push(next);
                    }
                }
                Place::Within => {}
                Place::Before | Place::After if is_blank => {}
                // A byte order mark.
                Place::Before if matches!(byte, 0xef | 0xbb | 0xbf) => {}
                Place::Before if *byte == b'[' => {
                    self.place = Place::Within;
                    self.depth = 1;
                }
                Place::Before => {
                    let reason = "no array begins here; is the layout \"lines\"?";
                    return Err(self.unsound(index, reason));
                }
                Place::After => return Err(self.unsound(index, "text follows the array")),
            }
        }
        Ok(())
    }

    /// Which bytes of a block a backslash takes the meaning from.
    fn escaped(&mut self, mut backslashes: u64) -> u64 {
        let mut escaped = u64::from(self.is_escaped);
        self.is_escaped = false;
        backslashes &= !escaped;
        while backslashes != 0 {
            let index = backslashes.trailing_zeros();
            if index == 63 {
                self.is_escaped = true;
                break;
            }
            escaped |= 2 << index;
            backslashes &= !(3 << index);
        }
        escaped
    }
}

/// Each bit is the parity of the bits up to and with it: from a quote on, up to before the next one.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

fn masks_of(block: &[u8; BLOCK]) -> Masks {
    let mut masks = Masks::default();
    for (index, word) in block.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // `[` and `{`, and `]` and `}`, differ in this bit only.
        let folded = word | (ONES * 0x20);
        let shift = 8 * index;
        masks.quotes |= bits_of(word, b'"') << shift;
        masks.backslashes |= bits_of(word, b'\\') << shift;
        masks.opening |= bits_of(folded, b'{') << shift;
        masks.closing |= bits_of(folded, b'}') << shift;
    }
    masks
}

/// One bit for each of eight bytes: whether it is `byte`.
fn bits_of(word: u64, byte: u8) -> u64 {
    const LOW: u64 = !(ONES << 7);
    let other = word ^ (ONES * u64::from(byte));
    // The high bit of a byte is set when the byte is zero; no sum carries into the next one.
    let equal = !(((other & LOW) + LOW) | other | LOW);
    (equal >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(layout: JsonLayout, text: &[u8], portion: usize) -> Result<Vec<u64>, Unsound> {
        let mut survey = Survey::new(layout, 100, 1_000);
        for portion in text.chunks(portion) {
            survey.see(portion)?;
        }
        survey.finish()
    }

    #[test]
    fn masks_are_those_of_a_byte_by_byte_search() {
        let bits = |block: &[u8; BLOCK], wanted: &[u8]| {
            let bit = |(index, byte): (usize, &u8)| u64::from(wanted.contains(byte)) << index;
            block.iter().enumerate().map(bit).sum()
        };
        let mut block = [0; BLOCK];
        for seed in 0..1_000_usize {
            for (index, byte) in block.iter_mut().enumerate() {
                *byte = b"\"\\[]{}\x0d\x02;:, a\xff"[(seed * 31 + index * index * (seed + 7)) % 14];
            }
            let expected = Masks {
                quotes: bits(&block, b"\""),
                backslashes: bits(&block, b"\\"),
                opening: bits(&block, b"{["),
                closing: bits(&block, b"}]"),
            };
            assert_eq!(masks_of(&block), expected);
        }
    }

    #[test]
    fn an_array_is_cut_after_commas_between_elements_only() {
        let element = r#"{"a": [1, {"b": ","}], "c": "],[\\\"{", "d": 1}"#;
        // Every character comes to stand at every place of a block.
        for blanks in 0..BLOCK {
            let elements = vec![element; 200].join(" ,\n");
            let text = format!("{}[{elements}] \n", " ".repeat(blanks));
            for portion in [1, 63, 64, 65, 10_000] {
                let cuts = survey(JsonLayout::Array, text.as_bytes(), portion).unwrap();
                assert!(cuts.len() > 50);
                assert_eq!(cuts.last(), Some(&(text.len() as u64)));
                for cut in &cuts[1..cuts.len() - 1] {
                    assert!(text[..*cut as usize].ends_with(&format!("{element} ,")));
                }
            }
        }
    }

    #[test]
    fn lines_are_cut_after_line_ends_only() {
        let text = "{\"a\": 1}\n".repeat(100);
        for portion in [1, 50, 10_000] {
            let cuts = survey(JsonLayout::Lines, text.as_bytes(), portion).unwrap();
            assert_eq!(cuts, [0, 108, 216, 324, 432, 540, 648, 756, 864, 900]);
        }
        assert!(survey(JsonLayout::Lines, &[b'x'; 2_000], 10).is_err());
    }

    #[test]
    fn an_unsound_outline_is_told_with_its_place() {
        let unsound = |text: &str| survey(JsonLayout::Array, text.as_bytes(), 7).unwrap_err();
        assert_eq!(unsound("  {}").offset, 2);
        assert_eq!(unsound("[{}] x").offset, 5);
        assert_eq!(
            unsound("[{}").reason,
            "the file ends before the array is closed"
        );
        assert_eq!(
            unsound("[{\"a]").reason,
            "the file ends before a string is closed"
        );
        assert_eq!(
            unsound(&format!("[{}]", "1".repeat(2_000))).reason,
            "a row is longer than 1000 bytes"
        );
        assert_eq!(survey(JsonLayout::Array, b" ", 1), Ok(vec![0, 1]));
    }
}
