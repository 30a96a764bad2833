//! Places on Earth, how far they are apart, and which keys lie within a circle.
//!
//! A distance is that of the great circle on a sphere with the mean radius of Earth. A place's key begins with its cell in
//! a grid that halves longitude and latitude in turns, so that places near each other mostly have keys near each other:
//! [`Circle::cover`] gives a few ranges of keys in which everything within the circle is found, at the poles and across
//! the date line as well. What else lies in those ranges, [`Circle::holds`] sorts out.

use std::fmt;

/// Mean radius of Earth in kilometres.
const EARTH_KM: f64 = 6371.0088;
/// A distance on Earth in kilometres that nothing exceeds.
const FARTHEST_KM: f64 = 20_100.0;
/// Added around a box, in degrees: far more than arithmetic loses, and a tenth of a millimetre on the ground.
const MARGIN: f64 = 1e-9;
/// How many cells may cover a box. More of them fit better and have to be looked up one by one.
const CELLS: usize = 48;

/// A place on Earth in degrees: latitude −90 to 90, longitude −180 to 180.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    latitude: f64,
    longitude: f64,
}

/// Everything within a distance of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    center: Point,
    radius_km: f64,
}

impl Point {
    /// A place, if there is one with these degrees.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, String> {
        // No comparison holds for what is not a number.
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(format!("the latitude {latitude} is not between -90 and 90"));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(format!(
                "the longitude {longitude} is not between -180 and 180"
            ));
        }
        // Adding zero turns -0 into 0, so that equal places have equal keys.
        Ok(Self {
            latitude: latitude + 0.0,
            longitude: longitude + 0.0,
        })
    }

    /// Degrees to the north.
    #[must_use]
    pub fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees to the east.
    #[must_use]
    pub fn longitude(self) -> f64 {
        self.longitude
    }

    /// The length of the great circle between both, in kilometres.
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_sine = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
        let haversine = half_sine(other.latitude - self.latitude)
            + from.cos() * to.cos() * half_sine(other.longitude - self.longitude);
        2.0 * EARTH_KM * haversine.sqrt().min(1.0).asin()
    }

    /// The cell, and then the exact place: 24 bytes.
    pub(super) fn key(self) -> Vec<u8> {
        let cell = interleave(grid(self.longitude, 180.0), grid(self.latitude, 90.0));
        let mut key = cell.to_be_bytes().to_vec();
        key.extend(self.latitude.to_be_bytes());
        key.extend(self.longitude.to_be_bytes());
        key
    }

    /// The place that a key was made of.
    pub(super) fn of_key(key: &[u8]) -> Option<Self> {
        let degrees = |from: usize| {
            let bytes = key.get(from..from + 8)?;
            Some(f64::from_be_bytes(bytes.try_into().ok()?))
        };
        Self::new(degrees(8)?, degrees(16)?).ok()
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once(',')?;
        Self::new(latitude.parse().ok()?, longitude.parse().ok()?).ok()
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rust writes the shortest digits that are read back as the same number.
        write!(f, "{},{}", self.latitude, self.longitude)
    }
}

impl Circle {
    /// A circle, if the radius is one: 0 km or more.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn new(center: Point, radius_km: f64) -> Result<Self, String> {
        if !radius_km.is_finite() || radius_km < 0.0 {
            return Err(format!(
                "the radius {radius_km} is not a distance in kilometres"
            ));
        }
        Ok(Self { center, radius_km })
    }

    /// Whether a place is within.
    #[must_use]
    pub fn holds(&self, point: Point) -> bool {
        self.center.distance_km(point) <= self.radius_km
    }

    /// Ranges of cells, first and last, in ascending order and apart from each other, that together have every place
    /// within.
    pub(super) fn cover(&self) -> Vec<(u64, u64)> {
        let mut ranges: Vec<_> = self.boxes().iter().flat_map(Window::cover).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        merged
    }

    /// The box around the circle, which the date line may cut in two.
    fn boxes(&self) -> Vec<Window> {
        if self.radius_km >= FARTHEST_KM {
            return vec![Window::new((-180.0, 180.0), (-90.0, 90.0))];
        }
        let angle = self.radius_km / EARTH_KM;
        let Point {
            latitude,
            longitude,
        } = self.center;
        let north = latitude + angle.to_degrees() + MARGIN;
        let south = latitude - angle.to_degrees() - MARGIN;
        let latitudes = (south.max(-90.0), north.min(90.0));
        let all_around = vec![Window::new((-180.0, 180.0), latitudes)];
        if north >= 90.0 || south <= -90.0 {
            return all_around;
        }
        let sine = angle.sin() / latitude.to_radians().cos();
        // A circle that all but touches a pole: what arithmetic says of its width is not to be relied on.
        if sine >= 1.0 - 1e-9 {
            return all_around;
        }
        let width = sine.asin().to_degrees() * (1.0 + 1e-9) + MARGIN;
        let (west, east) = (longitude - width, longitude + width);
        if west < -180.0 {
            vec![
                Window::new((-180.0, east), latitudes),
                Window::new((west + 360.0, 180.0), latitudes),
            ]
        } else if east > 180.0 {
            vec![
                Window::new((west, 180.0), latitudes),
                Window::new((-180.0, east - 360.0), latitudes),
            ]
        } else {
            vec![Window::new((west, east), latitudes)]
        }
    }
}

/// A part of the grid: first and last column and row.
#[derive(Debug, Clone, Copy)]
struct Window {
    columns: (u32, u32),
    rows: (u32, u32),
}

/// A square of the grid with sides of `1 << level`.
#[derive(Debug, Clone, Copy)]
struct Cell {
    column: u32,
    row: u32,
    level: u32,
}

impl Window {
    fn new((west, east): (f64, f64), (south, north): (f64, f64)) -> Self {
        Self {
            columns: (grid(west, 180.0), grid(east, 180.0)),
            rows: (grid(south, 90.0), grid(north, 90.0)),
        }
    }

    /// Cells that cover it: all of them are quartered as long as they stay few.
    fn cover(&self) -> Vec<(u64, u64)> {
        let mut cells = vec![Cell {
            column: 0,
            row: 0,
            level: 32,
        }];
        loop {
            let mut smaller = Vec::new();
            for cell in &cells {
                if cell.level == 0 || self.contains(cell) {
                    smaller.push(*cell);
                } else {
                    smaller.extend(cell.quarters().filter(|quarter| self.meets(quarter)));
                }
            }
            if smaller.len() > CELLS {
                break;
            }
            let done = smaller
                .iter()
                .all(|cell| cell.level == 0 || self.contains(cell));
            cells = smaller;
            if done {
                break;
            }
        }
        cells.iter().map(Cell::range).collect()
    }

    fn meets(&self, cell: &Cell) -> bool {
        cell.column <= self.columns.1
            && cell.last(cell.column) >= self.columns.0
            && cell.row <= self.rows.1
            && cell.last(cell.row) >= self.rows.0
    }

    fn contains(&self, cell: &Cell) -> bool {
        cell.column >= self.columns.0
            && cell.last(cell.column) <= self.columns.1
            && cell.row >= self.rows.0
            && cell.last(cell.row) <= self.rows.1
    }
}

impl Cell {
    fn last(&self, first: u32) -> u32 {
        let side = (1u64 << self.level) - 1;
        (u64::from(first) + side).min(u32::MAX.into()) as u32
    }

    fn quarters(&self) -> impl Iterator<Item = Self> {
        let level = self.level.saturating_sub(1);
        let half = 1u32 << level;
        let (column, row) = (self.column, self.row);
        [(0, 0), (half, 0), (0, half), (half, half)]
            .into_iter()
            .map(move |(right, up)| Self {
                column: column + right,
                row: row + up,
                level,
            })
    }

    fn range(&self) -> (u64, u64) {
        (
            interleave(self.column, self.row),
            interleave(self.last(self.column), self.last(self.row)),
        )
    }
}

/// The column or row of a degree: never smaller for a larger one.
fn grid(degrees: f64, half: f64) -> u32 {
    // A cast to an integer keeps within its bounds.
    ((degrees + half) / (2.0 * half) * 4_294_967_296.0) as u32
}

/// The number of a cell: the bits of its column and row in turns, the row's first.
fn interleave(column: u32, row: u32) -> u64 {
    let spread = |number: u32| {
        let mut bits = u64::from(number);
        for (shift, mask) in [
            (16, 0x0000_ffff_0000_ffff),
            (8, 0x00ff_00ff_00ff_00ff),
            (4, 0x0f0f_0f0f_0f0f_0f0f),
            (2, 0x3333_3333_3333_3333),
            (1, 0x5555_5555_5555_5555),
        ] {
            bits = (bits | (bits << shift)) & mask;
        }
        bits
    };
    spread(column) | (spread(row) << 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn point(latitude: f64, longitude: f64) -> Point {
        Point::new(latitude, longitude).unwrap()
    }

    fn covered(ranges: &[(u64, u64)], point: Point) -> bool {
        let cell = u64::from_be_bytes(point.key()[..8].try_into().unwrap());
        ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&cell))
    }

    /// Numbers that look random and are the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn distances_are_those_of_the_great_circle() {
        let vienna = point(48.2082, 16.3738);
        let far = [
            (point(48.1486, 17.1077), 54.9),
            (point(52.52, 13.405), 523.6),
            (point(-33.8688, 151.2093), 15_971.0),
            (vienna, 0.0),
        ];
        for (other, kilometres) in far {
            let found = vienna.distance_km(other);
            assert!(
                (found - kilometres).abs() <= kilometres * 0.002,
                "{other}: {found}"
            );
        }
        assert!(point(0.0, 179.999).distance_km(point(0.0, -179.999)) < 0.3);
        assert!(point(90.0, 0.0).distance_km(point(90.0, 123.0)) < 1e-6);
        let half = point(0.0, 0.0).distance_km(point(0.0, 180.0));
        assert!(
            (half - std::f64::consts::PI * EARTH_KM).abs() < 0.001,
            "{half}"
        );
    }

    #[test]
    fn a_cover_misses_nothing_within_the_circle() {
        let mut numbers = Numbers(7);
        let centers = [
            (0.0, 0.0),
            (48.2, 16.37),
            (89.9, 10.0),
            (-89.99, -170.0),
            (90.0, 0.0),
            (-90.0, 180.0),
            (12.0, 179.99),
            (-60.0, -180.0),
            (66.0, 180.0),
        ];
        let mut within = 0;
        for (latitude, longitude) in centers {
            for radius in [
                0.0, 0.01, 1.0, 25.0, 500.0, 4_000.0, 10_007.0, 19_000.0, 30_000.0,
            ] {
                let center = point(latitude, longitude);
                let circle = Circle::new(center, radius).unwrap();
                let ranges = circle.cover();
                assert!(covered(&ranges, center), "{center} {radius}");
                for _ in 0..400 {
                    // Near enough to be within often, and anywhere.
                    let spread = (radius / 60.0).min(180.0) + 0.001;
                    let other = point(
                        (latitude + (numbers.next() - 0.5) * spread).clamp(-90.0, 90.0),
                        (numbers.next() - 0.5) * 360.0,
                    );
                    let wide = spread / latitude.to_radians().cos().abs().max(0.001);
                    let beside = longitude + (numbers.next() - 0.5) * wide.min(360.0);
                    let beside = if beside > 180.0 {
                        beside - 360.0
                    } else if beside < -180.0 {
                        beside + 360.0
                    } else {
                        beside
                    };
                    for other in [other, point(other.latitude, beside)] {
                        if circle.holds(other) {
                            within += 1;
                            assert!(covered(&ranges, other), "{center} {radius} km: {other}");
                        }
                    }
                }
            }
        }
        assert!(within > 5_000, "{within}");
    }

    #[test]
    fn a_cover_is_small_and_not_much_larger_than_the_circle() {
        let ranges = Circle::new(point(48.2, 16.37), 25.0).unwrap().cover();
        assert!(ranges.len() <= 2 * CELLS, "{}", ranges.len());
        let cells: u128 = ranges.iter().map(|(a, b)| u128::from(b - a) + 1).sum();
        // The box around it is 50 km high and 75 km (in degrees of the equator) wide.
        let share = cells as f64 / 2f64.powi(64);
        let of_box = (50.0 / 20_015.0) * (75.0 / 40_030.0);
        assert!(share < 3.0 * of_box, "{} times", share / of_box);
    }

    #[test]
    fn what_is_no_place_or_distance_is_refused() {
        for (latitude, longitude) in [
            (f64::NAN, 0.0),
            (0.0, f64::NAN),
            (f64::INFINITY, 0.0),
            (0.0, f64::NEG_INFINITY),
            (90.000_001, 0.0),
            (0.0, -180.000_001),
        ] {
            assert!(Point::new(latitude, longitude).is_err());
        }
        for radius in [f64::NAN, f64::INFINITY, -0.1] {
            assert!(Circle::new(point(0.0, 0.0), radius).is_err());
        }
    }

    #[test]
    fn a_place_is_read_back_from_its_key_and_its_text() {
        for place in [
            point(48.208_174_3, -16.373_819_1),
            point(-0.0, -0.0),
            point(5e-324, 180.0),
        ] {
            assert_eq!(Point::of_key(&place.key()), Some(place));
            assert_eq!(Point::read(&place.to_string()), Some(place));
        }
        assert_eq!(point(-0.0, 0.0).key(), point(0.0, -0.0).key());
    }
}
