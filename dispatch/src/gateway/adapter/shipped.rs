//! The shapes that come with this program, and those of an operator's folder, which take their place
//! by name.

use super::shape::{MESSAGE, Parameter, Shape, ShapeFault, TOKEN};
use super::template::Templates;
use super::{clock, context as message_context, map};
use crate::gateway::notice::{Notice, Urgency, Words};
use minijinja::Value;
use model::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

const FILES: [(&str, &str); 11] = [
    ("apns.toml", include_str!("../../../adapters/apns.toml")),
    (
        "dingtalk.toml",
        include_str!("../../../adapters/dingtalk.toml"),
    ),
    ("fcm.toml", include_str!("../../../adapters/fcm.toml")),
    ("feishu.toml", include_str!("../../../adapters/feishu.toml")),
    ("huawei.toml", include_str!("../../../adapters/huawei.toml")),
    ("oppo.toml", include_str!("../../../adapters/oppo.toml")),
    ("vivo.toml", include_str!("../../../adapters/vivo.toml")),
    ("wechat.toml", include_str!("../../../adapters/wechat.toml")),
    ("wecom.toml", include_str!("../../../adapters/wecom.toml")),
    ("weibo.toml", include_str!("../../../adapters/weibo.toml")),
    ("xiaomi.toml", include_str!("../../../adapters/xiaomi.toml")),
];

/// Shapes by name.
#[derive(Clone, Debug, Default)]
pub struct Shapes(BTreeMap<String, Arc<Shape>>);

impl Shapes {
    /// The shape of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Shape>> {
        self.0.get(name)
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Takes a file in, in the place of one of the same name.
    ///
    /// # Errors
    /// Every fault of it.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), Vec<ShapeFault>> {
        let shape = Shape::read(file, text)?;
        try_out(file, &shape)?;
        self.0.insert(shape.name.clone(), Arc::new(shape));
        Ok(())
    }
}

/// What comes with this program.
///
/// # Errors
/// A shipped file is faulty, which a test rules out.
pub fn shipped() -> Result<Shapes, Vec<ShapeFault>> {
    let mut shapes = Shapes::default();
    for (file, text) in FILES {
        shapes.add(file, text)?;
    }
    Ok(shapes)
}

/// Renders every template of a shape with a sample of everything.
fn try_out(file: &str, shape: &Shape) -> Result<(), Vec<ShapeFault>> {
    let templates = Templates::new(file, &shape.requests(), shape.made(), true)?;
    let at = Time::from_seconds(1_700_000_000);
    let account = sample_account(&shape.parameters);
    let fault = |what: String| vec![ShapeFault::of_template(file, &what)];
    let context = map([("account", account.clone())].into_iter().chain(clock(at)));
    if let Some(token) = &shape.token {
        match &token.request {
            Some(request) => {
                drop(templates.request(TOKEN, request, &context).map_err(fault)?);
            }
            None => drop(templates.made(&context).map_err(fault)?),
        }
    }
    let words = sample_words();
    let notice = sample(std::slice::from_ref(&words));
    let context = message_context(&account, &notice, &words, (3600, "token"), at);
    let message = templates.request(MESSAGE, &shape.request, &context);
    message.map(drop).map_err(fault)
}

/// An account to try templates with.
pub(in crate::gateway) fn sample_account(parameters: &BTreeMap<String, Parameter>) -> Value {
    map(parameters.iter().map(|(name, parameter)| {
        let given = parameter.sample.as_ref().or(parameter.default.as_ref());
        let text = given.cloned().unwrap_or_else(|| format!("sample-{name}"));
        (name.as_str(), Value::from(text))
    }))
}

pub(super) fn sample_words() -> Words {
    Words {
        title: "暴雨红色预警 \"Red\"".into(),
        body: "天河区…\n请立即撤离 {{ \\ }}".into(),
    }
}

pub(super) fn sample(words: &[Words]) -> Notice<'_> {
    Notice {
        delivery: "0123456789abcdef0123456789abcdef",
        to: "sample-token",
        collapse: "0123456789abcdef01234567",
        urgency: Urgency::High,
        not_after: Time::from_seconds(1_700_003_600),
        warning: "0123456789abcdef01234567",
        revision: 1,
        purpose: "alert",
        tier: "red",
        is_end: false,
        language: "zh-CN",
        words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_shape_is_sound_and_named_as_its_file() {
        let shapes = shipped().unwrap_or_else(|faults| panic!("{faults:?}"));
        let names: Vec<&str> = shapes.names().collect();
        let files: Vec<&str> = FILES
            .iter()
            .map(|(file, _)| file.trim_end_matches(".toml"))
            .collect();
        assert_eq!(names, files);
    }

    #[test]
    fn faults_of_a_shape_are_said_in_words() {
        let good = FILES
            .iter()
            .find(|(file, _)| *file == "wecom.toml")
            .unwrap()
            .1;
        let faults = |text: &str| {
            let faults = Shapes::default().add("x.toml", text).unwrap_err();
            faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        };
        assert!(faults("name = 1").contains("x.toml: line 1: "));
        let unknown = good.replace("~ body)", "~ bodi)");
        let said = faults(&unknown);
        assert!(
            said.contains("request.json") && said.contains("bodi"),
            "{said}"
        );
        let broken = good.replacen("\"msgtype\"", "msgtype", 1);
        assert!(
            faults(&broken).contains("it makes no JSON"),
            "{}",
            faults(&broken)
        );
        let endless = good.replace("means = \"accepted\"", "means = \"transient\"");
        assert!(faults(&endless).contains("none means accepted"));
        let unknown = good.replace("means = \"accepted\"", "means = \"taken\"");
        assert!(
            faults(&unknown).contains("unknown variant"),
            "{}",
            faults(&unknown)
        );
    }
}
