//! Subscribers one by one: taken, moved, refused by field, let go, and only by whom it is for.

use super::served::{Answer, Served, sha256};
use serde_json::{Value, json};

fn with_lin(folder: &std::path::Path) -> Served {
    let lin = sha256("token-lin");
    let section = format!(
        r#"
[[person]]
id = "lin"
name = "Lin"
scopes = ["subscribe"]
token_sha256 = "{lin}"
"#
    );
    Served::with_sections(folder, &section)
}

fn ask(served: &Served, line: &str, token: &str, body: &Value) -> Answer {
    let token = format!("Authorization: Bearer {token}");
    let headers = [token.as_str(), "Content-Type: application/json"];
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    served.ask(line, &headers, body.as_bytes())
}

fn put(served: &Served, body: &Value) -> Answer {
    ask(served, "POST /v1/subscribers", "token-lin", body)
}

/// People of the public in the whole city.
fn people(served: &Served) -> u64 {
    let ring = [
        [113.0, 23.0],
        [113.2, 23.0],
        [113.2, 23.2],
        [113.0, 23.2],
        [113.0, 23.0],
    ];
    let place = json!({ "geometry": { "type": "Polygon", "coordinates": [ring] } });
    let answer = ask(served, "POST /v1/preview", "token-chen", &place);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["people"].as_u64().unwrap()
}

#[test]
fn subscribers_come_move_and_leave_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let served = with_lin(folder.path());
    assert_eq!(people(&served), 2);
    let one = json!({
        "id": "N1", "lon": 113.1, "lat": 23.1, "phone": "+8613911112222", "language": "en",
        "audience": ["public", "school"],
    });
    ask(&served, "POST /v1/subscribers", "token-chen", &one).is_problem(403, "Subscribe");
    ask(&served, "POST /v1/subscribers", "token-x", &one).is_problem(401, "sign in");
    let answer = put(&served, &one);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let taken = answer.json()["taken"][0].clone();
    assert_eq!(taken["area"], "440106014000");
    assert_eq!((&taken["line"], &taken["new"]), (&json!(1), &json!(true)));
    assert!(!answer.body.contains("1111"), "{}", answer.body);
    assert_eq!(people(&served), 3);

    // Some at once: who cannot be taken keeps nobody else out.
    let some = json!([
        { "id": "N2", "area": "440106000000", "email": "n2@example.org" },
        { "id": "", "lon": 113.1, "lat": 23.1, "phone": "+8613911112223" },
        { "id": "N4", "lon": 119.1, "lat": 23.1, "phone": "13911112224" },
        { "id": "N1", "lon": 113.15, "lat": 23.1, "phone": "+8613911112225" },
    ]);
    let answer = put(&served, &some);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["taken"].as_array().unwrap().len(), 2);
    assert_eq!(
        body["taken"][1]["recipient"], taken["recipient"],
        "the same person"
    );
    assert_eq!(body["taken"][1]["new"], false);
    let refused = body["refused"].as_array().unwrap();
    assert_eq!(
        (&refused[0]["line"], &refused[1]["line"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(refused[0]["faults"][0]["field"], "id");
    let fields: Vec<_> = refused[1]["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| &fault["field"])
        .collect();
    assert_eq!(fields, ["phone"], "{refused:?}");
    assert_eq!(people(&served), 4);

    let nobody = put(
        &served,
        &json!({ "id": "N5", "lon": 113.1, "lat": 23.1, "phone": "139" }),
    );
    nobody.is_problem(422, "E.164");
    assert_eq!(nobody.json()["faults"][0]["field"], "phone");
    assert!(!nobody.body.contains("139\""));
    put(&served, &json!([])).is_problem(400, "1 to 1000");
    put(&served, &json!({ "id": "N5", "phone": 13911112222_u64 })).is_problem(400, "openapi.json");
    let metrics = served.get("/metrics").1;
    for line in [
        "sanfang_subscribers_total{outcome=\"came\"} 2",
        "sanfang_subscribers_total{outcome=\"moved\"} 1",
        "sanfang_subscribers_total{outcome=\"refused\"} 3",
        "sanfang_directory_changes 2",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }

    let leave = |id: &str| {
        ask(
            &served,
            &format!("DELETE /v1/subscribers/{id}"),
            "token-lin",
            &Value::Null,
        )
    };
    assert_eq!(leave("N1").status, 204);
    leave("N1").is_problem(404, "no subscriber");
    assert_eq!(leave("S2").status, 204, "of the roll too");
    assert_eq!(people(&served), 2);
    // So it is after a kill.
    drop(served);
    let served = with_lin(folder.path());
    assert_eq!(people(&served), 2);
    assert_eq!(
        put(&served, &one).json()["taken"][0]["recipient"],
        taken["recipient"]
    );
}

#[test]
fn a_drawn_place_says_who_is_told_beyond_it_by_whole_areas() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let shown = |distance_m: u32, areas: Option<Value>| {
        let point =
            json!({ "type": "Point", "coordinates": [113.11, 23.11], "distance_m": distance_m });
        let mut place = json!({ "geometry": point });
        if let Some(areas) = areas {
            place["areas"] = areas;
        }
        let answer = ask(&served, "POST /v1/preview", "token-chen", &place);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    // Two live in the township, one of them in the circle, and both in a greater one.
    let near = shown(200, None);
    assert_eq!(near["people"], 1, "{near}");
    let beyond = |heads: u32, area: &str| json!({ "areas": [area], "heads": heads });
    assert_eq!(near["overshoot"], beyond(1, "440106014000"), "{near}");
    let far = shown(3_000, None);
    assert_eq!(far["people"], 2, "{far}");
    assert_eq!(far["overshoot"], beyond(0, "440106014000"), "{far}");
    let named = shown(200, Some(json!(["440106000000"])));
    assert_eq!(named["overshoot"], beyond(1, "440106000000"), "{named}");
    let nobody = shown(1, Some(json!(["440106000000"])));
    assert_eq!(
        nobody["people"].as_u64().unwrap() + nobody["overshoot"]["heads"].as_u64().unwrap(),
        2
    );
}
