//! A camera that does not exist: takes pictures of a symbol from the side, in bad light, out of focus.
//!
//! The same shot of the same symbol is the same picture, so that tests and benchmarks can be repeated.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "lengths of pictures and shades are small, and a picture is no money"
)]

use gateway::qr::encode::Matrix;

/// How a picture is taken. The default is straight, sharp and in good light.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shot {
    /// Pixels along one module.
    pub(super) module_px: f64,
    /// By how much the symbol is turned, in degrees.
    pub(super) angle: f64,
    /// By how much the far edge is smaller than the near one, as a part of it.
    pub(super) tilt: f64,
    /// Pixels around a point whose light it gets.
    pub(super) blur_px: f64,
    /// The shades of dark and light.
    pub(super) shades: (f64, f64),
    /// The light at the right border, as a part of that at the left.
    pub(super) shade_right: f64,
    /// The largest step that chance adds to a pixel.
    pub(super) noise: f64,
    pub(super) mirrored: bool,
    pub(super) seed: u64,
}

impl Default for Shot {
    fn default() -> Self {
        Self {
            module_px: 6.0,
            angle: 0.0,
            tilt: 0.0,
            blur_px: 1.0,
            shades: (20.0, 235.0),
            shade_right: 1.0,
            noise: 0.0,
            mirrored: false,
            seed: 1,
        }
    }
}

/// Light modules around the symbol in the picture.
const MARGIN: f64 = 6.0;
/// Points along a pixel's side at which its light is measured.
const SAMPLES: i32 = 4;

impl Shot {
    /// The picture's width, and the shades of its pixels row by row.
    pub(super) fn take(&self, matrix: &Matrix) -> (usize, Vec<u8>) {
        let rows: Vec<&[bool]> = matrix.rows().collect();
        let modules = rows.len() as f64;
        // A turned square needs more room, by up to the square root of two, and a near edge some more.
        let px = ((modules + 2.0 * MARGIN) * self.module_px * 1.5).ceil();
        let side = px as usize;
        let mut noise = Noise(self.seed);
        let mut pixels = Vec::with_capacity(side * side);
        for y in 0..side {
            for x in 0..side {
                let light =
                    self.light_at(x as f64 + 0.5 - px / 2.0, y as f64 + 0.5 - px / 2.0, &rows);
                let shade = self.shades.0 + (self.shades.1 - self.shades.0) * light;
                let lit = shade * (1.0 + (self.shade_right - 1.0) * x as f64 / px);
                pixels.push((lit + self.noise * noise.next()).clamp(0.0, 255.0) as u8);
            }
        }
        (side, pixels)
    }

    /// How much of the light around a point of the picture, measured from its middle, comes from light modules.
    fn light_at(&self, x: f64, y: f64, rows: &[&[bool]]) -> f64 {
        let step = self.blur_px.max(1.0) / f64::from(SAMPLES);
        let offsets = (0..SAMPLES).map(|i| (f64::from(i) - f64::from(SAMPLES - 1) / 2.0) * step);
        let points = offsets
            .clone()
            .flat_map(|dy| offsets.clone().map(move |dx| (x + dx, y + dy)));
        let light = points.filter(|&(x, y)| !self.is_dark(x, y, rows)).count();
        light as f64 / f64::from(SAMPLES * SAMPLES)
    }

    fn is_dark(&self, x: f64, y: f64, rows: &[&[bool]]) -> bool {
        let modules = rows.len() as f64;
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let (x, y) = (x * cos + y * sin, y * cos - x * sin);
        // Further up is further away, and everything is smaller there.
        let distance = 1.0 - self.tilt * y / (modules * self.module_px);
        let (u, v) = (x * distance / self.module_px, y * distance / self.module_px);
        let u = if self.mirrored { -u } else { u };
        let (column, row) = ((u + modules / 2.0).floor(), (v + modules / 2.0).floor());
        let inside = |index: f64| (0.0..modules).contains(&index);
        inside(column) && inside(row) && rows[row as usize][column as usize]
    }
}

/// Chance that can be repeated: a xorshift generator.
struct Noise(u64);

impl Noise {
    /// A number between -1 and 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}
