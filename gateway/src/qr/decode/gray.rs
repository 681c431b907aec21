//! A picture in shades of grey, and what may be done to it before it is cut into light and dark.

/// A picture of one byte a pixel, row by row; 0 is black. Both sides are at least one pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gray {
    width: usize,
    pixels: Vec<u8>,
}

impl Gray {
    /// A picture from its rows, if they fill a rectangle.
    pub fn new(width: usize, pixels: Vec<u8>) -> Option<Self> {
        let whole = width > 0 && !pixels.is_empty() && pixels.len().is_multiple_of(width);
        whole.then_some(Self { width, pixels })
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    pub(super) fn longer_side(&self) -> usize {
        self.width().max(self.height())
    }

    pub(super) fn row(&self, y: usize) -> &[u8] {
        &self.pixels[y * self.width..][..self.width]
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.width)
    }

    /// Each `factor` by `factor` pixels become their mean: noise and the grain of paper and screens are evened out.
    /// What is left over at the right and below is dropped. A picture narrower than `factor` stays as it is.
    pub(super) fn shrunk(&self, factor: usize) -> Self {
        let (width, height) = (self.width() / factor, self.height() / factor);
        if factor < 2 || width == 0 || height == 0 {
            return self.clone();
        }
        let area = u32::try_from(factor * factor).unwrap_or(u32::MAX);
        let mut pixels = Vec::with_capacity(width * height);
        let mut sums = vec![0u32; width];
        for band in self.pixels.chunks_exact(self.width * factor) {
            sums.fill(0);
            for row in band.chunks_exact(self.width) {
                for (sum, group) in sums.iter_mut().zip(row.chunks_exact(factor)) {
                    *sum += group.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
                }
            }
            pixels.extend(sums.iter().map(|sum| byte(sum / area)));
        }
        Self { width, pixels }
    }

    /// Each pixel becomes a square of `factor` by `factor` pixels.
    pub(super) fn enlarged(&self, factor: usize) -> Self {
        let wide = |row: &[u8]| -> Vec<u8> {
            row.iter()
                .flat_map(|&pixel| std::iter::repeat_n(pixel, factor))
                .collect()
        };
        let pixels = self
            .rows()
            .flat_map(|row| wide(row).repeat(factor))
            .collect();
        Self {
            width: self.width * factor,
            pixels,
        }
    }

    /// Each pixel becomes the mean of itself and its eight neighbours; those at the border stay.
    pub(super) fn blurred(&self) -> Self {
        let mut pixels = self.pixels.clone();
        let triple = |row: &[u8], x: usize| {
            row[x - 1..=x + 1]
                .iter()
                .map(|&pixel| u32::from(pixel))
                .sum::<u32>()
        };
        for y in 1..self.height().saturating_sub(1) {
            let (above, here, below) = (self.row(y - 1), self.row(y), self.row(y + 1));
            for x in 1..self.width.saturating_sub(1) {
                let sum = triple(above, x) + triple(here, x) + triple(below, x);
                pixels[y * self.width + x] = byte(sum / 9);
            }
        }
        Self {
            width: self.width,
            pixels,
        }
    }

    /// Light becomes dark and dark light.
    pub(super) fn inverted(&self) -> Self {
        Self {
            width: self.width,
            pixels: self.pixels.iter().map(|pixel| !pixel).collect(),
        }
    }

    /// The shades between which all pixels lie but the darkest and the lightest half percent.
    pub(super) fn range(&self) -> (u8, u8) {
        let mut counts = [0; 256];
        self.pixels
            .iter()
            .for_each(|&pixel| counts[usize::from(pixel)] += 1);
        let outliers = self.pixels.len() / 200;
        let shades = || (0..=u8::MAX).zip(counts);
        (
            nth_shade(shades(), outliers),
            nth_shade(shades().rev(), outliers),
        )
    }
}

/// The shade of pixel number `n`, where each shade comes with the number of its pixels.
fn nth_shade(shades: impl Iterator<Item = (u8, usize)>, n: usize) -> u8 {
    let mut before = 0;
    for (shade, count) in shades {
        before += count;
        if before > n {
            return shade;
        }
    }
    0
}

/// A mean of bytes is a byte.
fn byte(mean: u32) -> u8 {
    u8::try_from(mean).unwrap_or(u8::MAX)
}
