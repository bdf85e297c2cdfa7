//! Real alerts, odd ones and attacks through the CAP reader.

use super::*;
use proptest::prelude::*;

fn nowhere(_: Cover<'_>) -> Vec<AreaCode> {
    Vec::new()
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

fn document(inside: &str) -> String {
    format!(
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>a1</identifier>\
         <sender>met@gz.cn</sender><sent>2023-09-07T13:04:00+08:00</sent><status>Actual</status>\
         <msgType>Alert</msgType><scope>Public</scope>{inside}</alert>"
    )
}

fn info(inside: &str) -> String {
    format!("<info><language>zh-CN</language>{inside}</info>")
}

fn one(inside: &str) -> Signal {
    let signals = read(document(inside).as_bytes(), &nowhere).unwrap();
    assert_eq!(signals.len(), 1);
    signals.into_iter().next().unwrap()
}

#[test]
fn colours_and_severities() {
    for (inside, want) in [
        ("<severity>Extreme</severity>", Tier::Red),
        (
            "<responseType>AllClear</responseType><severity>Severe</severity>",
            Tier::None,
        ),
        ("<severity>Orange</severity>", Tier::Orange),
        ("<severity>Unknown</severity>", Tier::None),
        (
            "<event>暴雨黄色预警</event><severity>Unknown</severity>",
            Tier::Yellow,
        ),
        (
            "<severity>Minor</severity><headline>台风白色预警信号</headline>",
            Tier::White,
        ),
        (
            "<severity>Severe</severity><headline>由橙色升级为红色</headline>",
            Tier::Red,
        ),
        (
            "<severity>Severe</severity><headline>由橙色降级为黄色</headline>",
            Tier::Yellow,
        ),
        (
            "<severity>Minor</severity><parameter><valueName>awareness_level</valueName>\
             <value>3; orange; Severe</value></parameter>",
            Tier::Orange,
        ),
    ] {
        assert_eq!(one(&info(inside)).tier, want, "{inside}");
    }
}

#[test]
fn hazards_by_code_and_name() {
    use model::Hazard;
    for (inside, want) in [
        (
            "<event>x</event><eventCode><valueName>a</valueName><value>11B03</value></eventCode>",
            Some(Hazard::Rainstorm),
        ),
        ("<event>雷雨大风</event>", Some(Hazard::ThunderGale)),
        ("<event>地质灾害预警</event>", Some(Hazard::GeologicalRisk)),
        (
            "<event>Flash Flood Warning</event>",
            Some(Hazard::FlashFlood),
        ),
        ("<event>寒潮蓝色预警</event>", Some(Hazard::ColdWave)),
        ("<event>灰霾黄色预警信号</event>", Some(Hazard::Haze)),
        ("<event>持续低温</event>", Some(Hazard::Cold)),
        ("<event>Snow/Ice Warning</event>", Some(Hazard::Snowstorm)),
        ("<event>Black ice</event>", Some(Hazard::RoadIcing)),
        ("<event>Extreme Cold Watch</event>", Some(Hazard::Cold)),
        (
            "<event>Extreme Fire Danger</event>",
            Some(Hazard::FireDanger),
        ),
        (
            "<event>Debris Flow Warning</event>",
            Some(Hazard::DebrisFlow),
        ),
        ("<event>Police notice</event>", None),
        ("<event>Train delays</event>", None),
        ("<event>Child Abduction</event>", None),
    ] {
        assert_eq!(one(&info(inside)).hazard, want, "{inside}");
    }
}

#[test]
fn each_tier_keeps_its_areas() {
    let by_code = |cover: Cover<'_>| match cover {
        Cover::Code(code) => vec![code],
        Cover::Shape(_) => Vec::new(),
    };
    let part = |severity: &str, area: &str| {
        info(&format!(
            "<severity>{severity}</severity><area><areaDesc>{area}</areaDesc><geocode>\
             <valueName>GB/T 2260</valueName><value>{area}</value></geocode></area>"
        ))
    };
    let text = document(&(part("Moderate", "440106014") + &part("Extreme", "440106")));
    let signals = read(text.as_bytes(), &by_code).unwrap();
    let got: Vec<_> = signals.iter().map(|s| (s.tier, s.areas.clone())).collect();
    assert_eq!(
        got,
        [
            (Tier::Red, vec![code("440106000000")]),
            (Tier::Yellow, vec![code("440106014000")])
        ]
    );
}

#[test]
fn shapes_are_asked_for_where_no_code_is_known() {
    let seen = std::cell::RefCell::new(Vec::new());
    let ask = |cover: Cover<'_>| {
        if let Cover::Shape(shape) = cover {
            seen.borrow_mut().push(shape.exterior().0.clone());
        }
        vec![code("440106000000")]
    };
    let area = "<area><areaDesc>x</areaDesc><polygon>23.1,113.2 23.1,113.4 23.3,113.4 23.1,113.2</polygon>\
                <circle>23.0,113.0 10</circle></area>";
    let text = document(&info(area));
    let signals = read(text.as_bytes(), &ask).unwrap();
    assert_eq!(signals[0].areas, [code("440106000000")]);
    let seen = seen.borrow();
    assert_eq!(seen[0][0], Coord { x: 113.2, y: 23.1 });
    // Ten kilometres east of the centre.
    assert!((seen[1][0].x - 113.0977).abs() < 0.001, "{:?}", seen[1][0]);
}

#[test]
fn what_cannot_be_meant_is_named() {
    let wrong = |inside: &str| read(document(inside).as_bytes(), &nowhere).unwrap_err();
    let bad_point = info("<area><polygon>23.1,x 1,1</polygon></area>");
    assert!(matches!(
        wrong(&bad_point),
        ReadError::Bad {
            field: "polygon",
            ..
        }
    ));
    let bad_time = info("<onset>yesterday</onset>");
    assert!(matches!(
        wrong(&bad_time),
        ReadError::Bad { field: "onset", .. }
    ));
    let circle = info("<area><circle>23,113 far</circle></area>");
    assert!(matches!(
        wrong(&circle),
        ReadError::Bad {
            field: "circle",
            ..
        }
    ));
    let many = "1,1 ".repeat(POINTS_MAX + 1);
    let many = info(&format!("<area><polygon>{many}</polygon></area>"));
    assert_eq!(wrong(&many), ReadError::TooManyPoints);
    let text = document("").replace("Actual", "Draft");
    assert!(matches!(
        read(text.as_bytes(), &nowhere),
        Err(ReadError::NotSignal {
            field: "status",
            ..
        })
    ));
    let text = document("").replace("<sender>met@gz.cn</sender>", "");
    assert_eq!(
        read(text.as_bytes(), &nowhere),
        Err(ReadError::Missing("sender"))
    );
    assert_eq!(
        read(b"<feed/>", &nowhere),
        Err(ReadError::NotAlert("feed".into()))
    );
}

#[test]
fn references_name_identifiers() {
    assert_eq!(
        references("a@b,one,2023-09-07T13:04:00+08:00 \n a@b,two,2023-09-07T13:05:00+08:00 three"),
        ["one", "two", "three"]
    );
}

proptest! {
    #[test]
    fn never_panics(inside in r#"(<(info|area|polygon|circle|geocode|value|severity|event|sent)>|</(info|area|polygon|circle|geocode|value|severity|event|sent)>|[0-9,. -]{0,8}|红色|&amp;){0,30}"#) {
        let _ = read(document(&inside).as_bytes(), &nowhere);
    }
}
