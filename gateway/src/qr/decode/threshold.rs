//! Grey into dark and light, by thresholds that follow the light across the picture.

use rxing::common::{BIT_FIELD_BASE_BITS as WORD_BITS, BitArray, BitMatrix};

use super::gray::Gray;

/// How the threshold of a pixel is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threshold {
    /// The mean over the blocks of `side` pixels up to `reach` blocks away, where a block of little contrast counts as
    /// part of the light ground: large light and dark areas stay whole. The idea is that of ZXing's hybrid binarizer.
    Blocks { side: usize, reach: usize },
    /// The middle between the darkest and the lightest: right where the light is even, as in a drawing.
    Middle,
    /// The mean over the pixels up to `reach` away, less `margin`: fine detail survives, flat areas may be speckled.
    Mean { reach: usize, margin: u8 },
}

/// A block whose shades differ by less than this part of the whole picture's range shows a single module.
const FLAT_PART: u8 = 10;

impl Threshold {
    /// The dark pixels of a picture; `None` if it is too narrow to look at.
    pub(super) fn dark(self, gray: &Gray) -> Option<BitMatrix> {
        match self {
            Self::Blocks { side, reach } => darker_than_blocks(gray, side, reach),
            Self::Middle => darker_than_middle(gray),
            Self::Mean { reach, margin } => darker_than_mean(gray, reach, margin),
        }
    }
}

fn darker_than_blocks(gray: &Gray, side: usize, reach: usize) -> Option<BitMatrix> {
    let thresholds = block_thresholds(gray, side, reach);
    let columns = gray.width().div_ceil(side);
    let mut wide = Vec::with_capacity(columns * side);
    collect(gray, |y, row, dark| {
        if y % side == 0 {
            wide.clear();
            let band = &thresholds[y / side * columns..][..columns];
            wide.extend(
                band.iter()
                    .flat_map(|&threshold| std::iter::repeat_n(threshold, side)),
            );
        }
        for ((dark, pixel), threshold) in dark.iter_mut().zip(row).zip(&wide) {
            *dark = pixel <= threshold;
        }
    })
}

/// One threshold for each block, row by row.
fn block_thresholds(gray: &Gray, side: usize, reach: usize) -> Vec<u8> {
    let (columns, bands) = (gray.width().div_ceil(side), gray.height().div_ceil(side));
    let levels = block_levels(gray, side);
    let mut thresholds = Vec::with_capacity(levels.len());
    for band in 0..bands {
        let (top, bottom) = window(band, reach, bands);
        for column in 0..columns {
            let (left, right) = window(column, reach, columns);
            let rows = levels.chunks_exact(columns).skip(top).take(bottom - top);
            let sum: u32 = rows
                .flat_map(|row| &row[left..right])
                .map(|&level| u32::from(level))
                .sum();
            let count = u32::try_from((bottom - top) * (right - left)).unwrap_or(u32::MAX);
            thresholds.push(u8::try_from(sum / count).unwrap_or(u8::MAX));
        }
    }
    thresholds
}

/// The `reach` neighbours on both sides of `at`; near an end the window keeps its size as long as there is room.
fn window(at: usize, reach: usize, length: usize) -> (usize, usize) {
    let size = (2 * reach + 1).min(length);
    let start = at.saturating_sub(reach).min(length - size);
    (start, start + size)
}

/// The level between dark and light in each block. A flat block has no such level of its own: it is taken for light
/// ground, unless its neighbours on the left and above, which know better, say that it is dark.
fn block_levels(gray: &Gray, side: usize) -> Vec<u8> {
    let columns = gray.width().div_ceil(side);
    let (darkest, lightest) = gray.range();
    let flat = (lightest - darkest) / FLAT_PART;
    let ground = |block: &Block| darkest.midpoint(block.min.max(darkest));
    let mut levels: Vec<u8> = Vec::with_capacity(columns * gray.height().div_ceil(side));
    for top in (0..gray.height()).step_by(side) {
        for left in (0..gray.width()).step_by(side) {
            let block = Block::of(gray, left, top, side);
            let level = if block.max - block.min > flat {
                block.mean
            } else if left == 0 || top == 0 {
                ground(&block)
            } else {
                let at = levels.len();
                let level = |index: usize| u16::from(levels[index]);
                let around =
                    (level(at - columns) + 2 * level(at - 1) + level(at - columns - 1)) / 4;
                let around = u8::try_from(around).unwrap_or(u8::MAX);
                if block.min < around {
                    around
                } else {
                    ground(&block)
                }
            };
            levels.push(level);
        }
    }
    levels
}

struct Block {
    min: u8,
    max: u8,
    mean: u8,
}

impl Block {
    /// The block at a place; at the right and lower border it reaches back into the picture to keep its size.
    fn of(gray: &Gray, left: usize, top: usize, side: usize) -> Self {
        let (left, top) = (
            left.min(gray.width().saturating_sub(side)),
            top.min(gray.height().saturating_sub(side)),
        );
        let (right, bottom) = (gray.width().min(left + side), gray.height().min(top + side));
        let (mut min, mut max, mut sum) = (u8::MAX, u8::MIN, 0);
        for y in top..bottom {
            for &pixel in &gray.row(y)[left..right] {
                min = min.min(pixel);
                max = max.max(pixel);
                sum += u32::from(pixel);
            }
        }
        let count = u32::try_from((right - left) * (bottom - top)).unwrap_or(u32::MAX);
        Self {
            min,
            max,
            mean: u8::try_from(sum / count).unwrap_or(u8::MAX),
        }
    }
}

fn darker_than_middle(gray: &Gray) -> Option<BitMatrix> {
    let (darkest, lightest) = gray.range();
    let middle = darkest.midpoint(lightest);
    collect(gray, |_, row, dark| {
        dark.iter_mut()
            .zip(row)
            .for_each(|(dark, &pixel)| *dark = pixel <= middle);
    })
}

fn darker_than_mean(gray: &Gray, reach: usize, margin: u8) -> Option<BitMatrix> {
    let (width, height) = (gray.width(), gray.height());
    let mut columns = vec![0u32; width];
    gray.rows()
        .take(reach)
        .for_each(|row| add(&mut columns, row));
    collect(gray, |y, row, dark| {
        if y + reach < height {
            add(&mut columns, gray.row(y + reach));
        }
        if y > reach {
            let leaving = gray.row(y - reach - 1);
            columns
                .iter_mut()
                .zip(leaving)
                .for_each(|(sum, &pixel)| *sum -= u32::from(pixel));
        }
        let rows = (y + reach + 1).min(height) - y.saturating_sub(reach);
        let mut sum: u32 = columns.iter().take(reach).sum();
        for x in 0..width {
            sum += columns.get(x + reach).copied().unwrap_or(0);
            sum -= if x > reach { columns[x - reach - 1] } else { 0 };
            let count = rows * ((x + reach + 1).min(width) - x.saturating_sub(reach));
            dark[x] = (u32::from(row[x]) + u32::from(margin))
                * u32::try_from(count).unwrap_or(u32::MAX)
                <= sum;
        }
    })
}

fn add(columns: &mut [u32], row: &[u8]) {
    columns
        .iter_mut()
        .zip(row)
        .for_each(|(sum, &pixel)| *sum += u32::from(pixel));
}

/// Gathers the dark pixels of each row: `mark` gets the row's number, its shades and where to mark the dark ones.
fn collect(gray: &Gray, mut mark: impl FnMut(usize, &[u8], &mut [bool])) -> Option<BitMatrix> {
    let side = |length: usize| u32::try_from(length).ok();
    let mut matrix = BitMatrix::new(side(gray.width())?, side(gray.height())?).ok()?;
    let mut dark = vec![false; gray.width()];
    let mut bits = BitArray::with_size(gray.width());
    for (y, row) in gray.rows().enumerate() {
        mark(y, row, &mut dark);
        for (index, word) in dark.chunks(WORD_BITS).enumerate() {
            let word = word
                .iter()
                .rev()
                .fold(0, |word, &dark| word << 1 | usize::from(dark));
            bits.setBulk(index * WORD_BITS, word);
        }
        matrix.setRow(side(y)?, &bits);
    }
    Some(matrix)
}
