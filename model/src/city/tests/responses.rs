//! Response plans and their tasks: what is read, and what is wrong with them.

use super::super::OPTIONAL;
use super::{city, code, files, texts};
use crate::City;
use crate::response::{Family, Level};
use proptest::prelude::*;

const RESPONSES: &str = r#"schema = 1
return_post = "head"
close_post = "head"

[groups]
centre = ["440101000000"]

[[post]]
id = "head"
name = { zh = "总指挥", en = "Commander" }
people = ["li"]

[[post]]
id = "head"
name = { zh = "区指挥", en = "District commander" }
area = "440101000000"
people = ["wu"]

[[damage]]
id = "dyke"
name = { zh = "险情", en = "a dyke in danger" }

[[response]]
id = "rain"
family = "waterlogging"
name = { zh = "响应", en = "Response" }
at = "city"
authority = { zh = "指挥部", en = "Headquarters" }
hazards = ["11B03"]

[[response.level]]
level = "IV"
when = ["yellow >= 1/2 districts", "red >= 1 of centre and damage dyke"]
post = "head"
source = { document = "ours", confidence = "design-default" }

[[consequence]]
id = "school"
name = { zh = "停课", en = "No school" }
hazards = ["11B03"]
tiers = ["red"]
areas = ["440100000000"]
hours = { from = 6, to = 8 }
text = { zh = "停课", en = "No school" }
source = { document = "rule", confidence = "sure" }
"#;

const TASKS: &str = "id,site,area,family,level,task,task_en,owner,minutes\n\
    T1,C1,,waterlogging,IV,值守,Watch,site_owner,30\n\
    T2,,440101000000,waterlogging,III,布防,Crews,district_duty,60\n";

fn with(responses: &str, tasks: &str) -> Result<City, Vec<String>> {
    let read = city(&[("responses.toml", responses), ("plans.csv", tasks)], &[]);
    read.map_err(|faults| texts(&faults))
}

#[test]
fn plans_and_tasks_are_read_and_part_of_the_hash() {
    let read = with(RESPONSES, TASKS).unwrap();
    assert_eq!(texts(&read.notices), Vec::<String>::new());
    let plan = read.plans.plan("rain").unwrap();
    let grade = plan.grade(Level::IV).unwrap();
    assert_eq!((grade.when.len(), grade.ends()), (2, "head"));
    let (here, other) = (code("440101000000"), code("440102000000"));
    assert!(read.plans.holds("wu", "head", here) && !read.plans.holds("wu", "head", other));
    assert!(read.plans.holds("li", "head", other));
    assert_eq!(read.plans.post_name("head", here).zh, "区指挥");
    let [site, list] = &read.plans.tasks[..] else {
        panic!("{:?}", read.plans.tasks);
    };
    assert_eq!((site.place, site.site.as_deref()), (other, Some("C1")));
    assert_eq!(
        (list.place, list.level, list.family),
        (here, Level::III, Family::Waterlogging)
    );
    let without = city(&[], &[]).unwrap();
    assert!(without.plans.plans.is_empty());
    assert_ne!(without.hash(), read.hash());
    let other = with(RESPONSES, &TASKS.replace("60", "90")).unwrap();
    assert_ne!(other.hash(), read.hash());
}

#[test]
fn each_fault_names_its_line_and_what_to_do() {
    for (from, to, wanted) in [
        (
            "schema = 1",
            "schema = 9",
            "responses.toml:1: field schema: schema 9 is not known here",
        ),
        (
            "close_post = \"head\"\n",
            "",
            "responses.toml: field close_post: it is missing",
        ),
        (
            "close_post = \"head\"",
            "close_post = \"hed\"",
            "responses.toml:3: field return_post, close_post: no post \"hed\" — did you mean head?",
        ),
        (
            "[groups]",
            "[group]",
            "responses.toml:5: field group: the key is not known",
        ),
        (
            "post = \"head\"\nsource",
            "post = \"heed\"\nsource",
            "no post \"heed\" — did you mean head?",
        ),
        (
            "people = [\"li\"]",
            "people = []",
            "responses.toml:8: field post.people: it is empty",
        ),
        (
            "yellow >= 1/2 districts",
            "yellow > 1/2 districts",
            "is no term",
        ),
        (
            "of centre",
            "of center",
            "no group \"center\" — did you mean centre?",
        ),
        (
            "damage dyke",
            "damage dike",
            "no damage \"dike\" — did you mean dyke?",
        ),
        (
            "level = \"IV\"",
            "level = \"V\"",
            "responses.toml:32:9: field response: unknown variant `V`",
        ),
        (
            "at = \"city\"",
            "at = \"township\"",
            "responses are not that small",
        ),
        (
            "hazards = [\"11B03\"]\n\n",
            "hazards = []\n\n",
            "an empty list never means everything",
        ),
        (
            "[\"440101000000\"]",
            "[\"440199000000\"]",
            "no area 440199000000",
        ),
        (
            "{ from = 6, to = 8 }",
            "{ from = 6, to = 6 }",
            "not hours of a day",
        ),
        (
            "tiers = [\"red\"]",
            "tiers = [\"none\"]",
            "none is no signal",
        ),
        (
            "confidence = \"sure\"",
            "confidence = \"surely\"",
            "responses.toml:",
        ),
        (
            "at = \"city\"",
            "at = \"city\"\nstart = \"auto\"",
            "unknown field `start`",
        ),
    ] {
        assert!(RESPONSES.contains(from), "{from}");
        let faults = with(&RESPONSES.replacen(from, to, 1), TASKS).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.contains(wanted)),
            "{wanted} in {faults:#?}"
        );
    }
    for (from, to, wanted) in [
        ("C1", "C9", "plans.csv:2: field site: no site \"C9\""),
        ("440101000000", "", "plans.csv:3: field area: nowhere"),
        (
            "440101000000",
            "440199000000",
            "plans.csv:3: field area: no area",
        ),
        ("III", "3", "plans.csv:3: field level: \"3\" is not known"),
        (
            "waterlogging",
            "rain",
            "plans.csv:2: field family: \"rain\" is not known",
        ),
        (
            ",60",
            ",0",
            "plans.csv:3: field minutes: \"0\" is no number of minutes",
        ),
        (
            "T2",
            "T1",
            "plans.csv:3: field id: task \"T1\" stands there twice",
        ),
        ("district_duty", "", "plans.csv:3: field owner: it is empty"),
    ] {
        assert!(TASKS.contains(from), "{from}");
        let faults = with(RESPONSES, &TASKS.replacen(from, to, 1)).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.contains(wanted)),
            "{wanted} in {faults:#?}"
        );
    }
    // A task that nothing opens is worth a look.
    let unopened = with(RESPONSES, &TASKS.replacen("waterlogging", "wind", 1)).unwrap();
    assert!(texts(&unopened.notices)[0].contains("nothing opens this task"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_small_damage_is_survived(name in prop_oneof![Just("responses.toml"), Just("plans.csv")], at in any::<prop::sample::Index>(), bytes in proptest::collection::vec(any::<u8>(), 0..4), cut in any::<bool>()) {
        let mut files = files(&[("responses.toml", RESPONSES), ("plans.csv", TASKS)]);
        let file = files.get_mut(name).unwrap();
        let at = at.index(file.len());
        if cut { file.truncate(at) } else { file.splice(at..at, bytes); }
        prop_assert!(OPTIONAL.contains(&name));
        let _ = City::read(|name| files.get(name).cloned(), &[]);
    }
}
