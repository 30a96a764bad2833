//! `near`: great-circle distances, at the poles and across the date line too.

use serde_json::{Value, json};

use crate::{Desk, Place, on_both, refused};

on_both!(
    near_is_a_circle_and_not_a_box,
    a_circle_has_25_km_when_nothing_is_said,
    circles_go_around_the_poles_and_across_the_date_line,
    a_circle_as_large_as_earth_finds_everything,
    addresses_are_found_where_they_are,
    every_circle_finds_what_a_look_at_all_places_finds,
);

async fn put(desk: &Desk, id: i64, latitude: f64, longitude: f64) {
    desk.set(id, json!([["point", {"point": [latitude, longitude]}]]))
        .await
        .unwrap();
}

async fn near(desk: &Desk, latitude: f64, longitude: f64, radius: Value) -> Vec<i64> {
    desk.found(json!([["point", "near", [latitude, longitude, radius]]]))
        .await
}

async fn near_is_a_circle_and_not_a_box(place: Place) {
    let desk = place.desk().await;
    let center = (48.0, 16.0);
    // A degree of latitude has 111.195 km. The corner of the box of 25 km is 35 km away.
    put(&desk, 1, center.0 + 24.9 / 111.195, center.1).await;
    put(&desk, 2, center.0 + 25.1 / 111.195, center.1).await;
    let east = 111.195 * f64::to_radians(48.0).cos();
    put(&desk, 3, center.0, center.1 + 24.9 / east).await;
    put(&desk, 4, center.0, center.1 - 25.1 / east).await;
    put(&desk, 5, center.0 + 24.0 / 111.195, center.1 + 24.0 / east).await;
    put(&desk, 6, center.0, center.1).await;
    assert_eq!(near(&desk, center.0, center.1, json!(25)).await, [1, 3, 6]);
    assert_eq!(
        near(&desk, center.0, center.1, json!(26)).await,
        [1, 2, 3, 4, 6]
    );
    assert_eq!(near(&desk, center.0, center.1, json!(0)).await, [6]);
    assert_eq!(near(&desk, 0.0, 0.0, json!(100)).await, [0i64; 0]);
}

async fn a_circle_has_25_km_when_nothing_is_said(place: Place) {
    let desk = place.desk().await;
    put(&desk, 1, 24.9 / 111.195, 0.0).await;
    put(&desk, 2, 25.1 / 111.195, 0.0).await;
    assert_eq!(near(&desk, 0.0, 0.0, Value::Null).await, [1]);
}

async fn circles_go_around_the_poles_and_across_the_date_line(place: Place) {
    let desk = place.desk().await;
    let places = [
        (90.0, 0.0),
        (89.95, 170.0),
        (89.95, -10.0),
        (-90.0, 180.0),
        (-89.9, 45.0),
        (10.0, 179.95),
        (10.0, -179.95),
        (10.0, 180.0),
        (10.0, -180.0),
        (70.0, -179.9),
    ];
    for (id, (latitude, longitude)) in (1..).zip(places) {
        put(&desk, id, latitude, longitude).await;
    }
    let cases: [((f64, f64, f64), Vec<i64>); 9] = [
        ((90.0, 123.0, 1.0), vec![1]),
        ((90.0, -77.0, 6.0), vec![1, 2, 3]),
        ((89.95, 170.0, 12.0), vec![1, 2, 3]),
        ((89.95, 170.0, 6.0), vec![1, 2]),
        ((-90.0, 0.0, 0.5), vec![4]),
        ((-89.95, -135.0, 25.0), vec![4, 5]),
        ((10.0, 179.99, 12.0), vec![6, 7, 8, 9]),
        ((10.0, -180.0, 1.0), vec![8, 9]),
        ((70.0, 179.9, 10.0), vec![10]),
    ];
    for ((latitude, longitude, radius), expected) in cases {
        let found = near(&desk, latitude, longitude, json!(radius)).await;
        assert_eq!(found, expected, "{latitude} {longitude} {radius} km");
    }
}

async fn a_circle_as_large_as_earth_finds_everything(place: Place) {
    let desk = place.desk().await;
    for (id, (latitude, longitude)) in
        (1..).zip([(0.0, 0.0), (0.0, 180.0), (90.0, 0.0), (-45.0, 135.0)])
    {
        put(&desk, id, latitude, longitude).await;
    }
    for radius in [json!(20_016), json!(1e300)] {
        assert_eq!(near(&desk, 45.0, -45.0, radius).await, [1, 2, 3, 4]);
    }
    assert_eq!(near(&desk, 45.0, -45.0, json!(20_000)).await, [1, 2, 3]);
}

async fn addresses_are_found_where_they_are(place: Place) {
    let desk = place.desk().await;
    for (id, location) in (1..).zip([json!([48.2, 16.37]), json!([47.07, 15.44]), Value::Null]) {
        let address = json!({"address": {"city": "Wien", "location": location}});
        desk.set(id, json!([["address", address]])).await.unwrap();
    }
    assert_eq!(
        desk.found(json!([["address", "near", [48.21, 16.36]]]))
            .await,
        [1]
    );
    assert_eq!(
        desk.found(json!([["address", "near", [48.21, 16.36, 400]]]))
            .await,
        [1, 2]
    );
    refused(
        desk.query(json!([["text", "near", [48.2, 16.3]]])).await,
        "invalid-argument",
    );
}

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((self.0 >> 11) as f64 / (1u64 << 53) as f64)
    }
}

/// The distance by another formula than the host's: the angle between two vectors.
fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    let vector = |(latitude, longitude): (f64, f64)| {
        let (latitude, longitude) = (latitude.to_radians(), longitude.to_radians());
        [
            latitude.cos() * longitude.cos(),
            latitude.cos() * longitude.sin(),
            latitude.sin(),
        ]
    };
    let (a, b) = (vector(a), vector(b));
    let dot: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    let cross = [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ];
    let sine = cross.iter().map(|part| part * part).sum::<f64>().sqrt();
    sine.atan2(dot) * 6371.0088
}

async fn every_circle_finds_what_a_look_at_all_places_finds(place: Place) {
    let desk = place.desk().await;
    let mut numbers = Numbers(3);
    // Many where circles are hard.
    let places: Vec<(f64, f64)> = (0..300)
        .map(|number| match number % 3 {
            0 => (numbers.between(-90.0, 90.0), numbers.between(-180.0, 180.0)),
            1 => (numbers.between(85.0, 90.0), numbers.between(-180.0, 180.0)),
            _ => {
                let east = numbers.between(178.0, 182.0);
                (
                    numbers.between(-5.0, 5.0),
                    if east > 180.0 { east - 360.0 } else { east },
                )
            }
        })
        .collect();
    for (id, (latitude, longitude)) in (1..).zip(&places) {
        put(&desk, id, *latitude, *longitude).await;
    }
    let mut found_in_all = 0;
    for center in places.iter().step_by(5) {
        for radius in [60.0, 400.0, 3_000.0, 12_000.0] {
            let found = near(&desk, center.0, center.1, json!(radius)).await;
            let expected: Vec<i64> = (1..)
                .zip(&places)
                .filter(|(_, other)| distance(*center, **other) <= radius)
                .map(|(id, _)| id)
                .collect();
            assert_eq!(found, expected, "{center:?} {radius} km");
            found_in_all += found.len();
        }
    }
    assert!(found_in_all > 5_000, "{found_in_all}");
}
