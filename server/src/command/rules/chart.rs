//! The trade-off curve as SVG: probability of detection against false-alarm ratio.
//!
//! Lines of equal critical success index lie behind the points, so that the eye sees what a step
//! to the side is worth. Points that fall on each other share a label; labels keep clear of each
//! other and of the points.

use std::fmt::Write;

/// A candidate on the chart.
pub(super) struct Point {
    pub(super) label: String,
    /// 0 to 1.
    pub(super) far: f64,
    /// 0 to 1.
    pub(super) pod: f64,
    /// Points of one line are joined in their order.
    pub(super) line: usize,
    /// The rulebook as it stands.
    pub(super) is_current: bool,
}

/// What is drawn.
pub(super) struct Chart {
    pub(super) title_zh: String,
    pub(super) title_en: String,
    /// What each line stands for, where there are several.
    pub(super) lines: Vec<String>,
    pub(super) points: Vec<Point>,
    /// Candidates that warned of nothing: they have no false-alarm ratio.
    pub(super) undrawn: Vec<String>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 780.0;
/// Left, top, right and bottom of the plot.
const PLOT: [f64; 4] = [100.0, 100.0, 920.0, 640.0];
const FONT: &str =
    "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif";
/// Colours that differ for colour-blind eyes, too (Okabe and Ito).
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#000000",
];
/// Text of a label: its height, and the width of a figure.
const LABEL: [f64; 2] = [14.0, 8.0];
/// Nearer than this two points are one to the eye.
const SAME: f64 = 4.0;
/// Values named in one label before it becomes a span.
const NAMED_MAX: usize = 3;

/// Points that fall on each other.
struct Spot<'a> {
    x: f64,
    y: f64,
    line: usize,
    labels: Vec<&'a str>,
    is_current: bool,
}

#[derive(Clone, Copy)]
struct Rect {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Rect {
    fn around(x: f64, y: f64, wide: f64, high: f64) -> Self {
        Self {
            left: x - wide / 2.0,
            top: y - high / 2.0,
            right: x + wide / 2.0,
            bottom: y + high / 2.0,
        }
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn is_in_plot(&self) -> bool {
        let [left, top, right, bottom] = PLOT;
        self.left > left && self.right < right && self.top > top - 18.0 && self.bottom < bottom
    }
}

/// The part of the plane that is shown, in whole percent: from, to.
#[derive(Clone, Copy)]
struct Window {
    far: (i32, i32),
    pod: (i32, i32),
}

/// Least that an axis shows, in percent.
const SHOWN_MIN: i32 = 20;

impl Window {
    /// What holds all points, by tens.
    fn of(points: &[Point]) -> Self {
        let shown = |values: &mut dyn Iterator<Item = f64>| {
            let tens = values.map(|value| value * 10.0);
            let (mut from, mut to) = (10, 0);
            for ten in tens {
                // A point does not stand on the edge, but for the ends of the scale.
                from = from.min((ten - 0.1).floor() as i32);
                to = to.max((ten + 0.1).ceil() as i32);
            }
            let (from, to) = (from.clamp(0, 10) * 10, to.clamp(0, 10) * 10);
            let to = to.max(from + SHOWN_MIN).min(100);
            (from.min(to - SHOWN_MIN).max(0), to)
        };
        Self {
            far: shown(&mut points.iter().map(|point| point.far)),
            pod: shown(&mut points.iter().map(|point| point.pod)),
        }
    }

    fn x(self, far: f64) -> f64 {
        let [left, _, right, _] = PLOT;
        let (from, to) = (f64::from(self.far.0), f64::from(self.far.1));
        left + (far * 100.0 - from) / (to - from) * (right - left)
    }

    fn y(self, pod: f64) -> f64 {
        let [_, top, _, bottom] = PLOT;
        let (from, to) = (f64::from(self.pod.0), f64::from(self.pod.1));
        bottom - (pod * 100.0 - from) / (to - from) * (bottom - top)
    }
}

/// Percent to mark on an axis.
fn marks((from, to): (i32, i32)) -> impl Iterator<Item = i32> {
    let step = if to - from > 40 { 10 } else { 5 };
    (0..=(to - from) / step).map(move |mark| from + mark * step)
}

impl Chart {
    /// The drawing.
    pub(super) fn svg(&self) -> String {
        let mut svg = String::new();
        let mut add = |line: &str| {
            svg.push_str(line);
            svg.push('\n');
        };
        add(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"{FONT}\" font-size=\"15\">"
        ));
        add(&format!("<title>{}</title>", escaped(&self.title_en)));
        add(&format!(
            "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>"
        ));
        let centre = WIDTH / 2.0;
        add(&text(
            centre,
            38.0,
            "middle",
            "font-size=\"20\" font-weight=\"bold\"",
            &self.title_zh,
        ));
        add(&text(
            centre,
            64.0,
            "middle",
            "font-size=\"15\" fill=\"#444444\"",
            &self.title_en,
        ));
        let window = Window::of(&self.points);
        axes(window, &mut add);
        equal_csi(window, &mut add);
        let spots = self.spots(window);
        for line in 0..=spots.iter().map(|spot| spot.line).max().unwrap_or(0) {
            let points = self.points.iter().filter(|point| point.line == line);
            let points = points.map(|p| format!("{:.1},{:.1}", window.x(p.far), window.y(p.pod)));
            let points = points.collect::<Vec<_>>().join(" ");
            let colour = colour(line);
            add(&format!(
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
            ));
        }
        for spot in &spots {
            let (x, y, colour) = (spot.x, spot.y, colour(spot.line));
            add(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{colour}\"/>"
            ));
            if spot.is_current {
                add(&format!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"9\" fill=\"none\" stroke=\"#000000\" stroke-width=\"2\"/>"
                ));
            }
        }
        labels(&spots, &mut add);
        if self.lines.len() > 1 {
            let mut across = PLOT[0];
            for (line, name) in self.lines.iter().enumerate() {
                let style = format!("font-size=\"14\" fill=\"{}\"", colour(line));
                let words = format!("● {name}");
                add(&text(across, HEIGHT - 46.0, "start", &style, &words));
                across += words.chars().count() as f64 * LABEL[1] + 24.0;
            }
        }
        let mut foot = "◯ 现行规则 the rulebook as it stands".to_owned();
        if !self.undrawn.is_empty() {
            let names = self.undrawn.join(", ");
            let _ = write!(foot, "　·　未发预警，无空报率 no warning, no FAR: {names}");
        }
        add(&text(
            PLOT[0],
            HEIGHT - 24.0,
            "start",
            "font-size=\"13\" fill=\"#444444\"",
            &foot,
        ));
        add("</svg>");
        svg
    }

    fn spots(&self, window: Window) -> Vec<Spot<'_>> {
        let mut spots: Vec<Spot<'_>> = Vec::new();
        for point in &self.points {
            let (x, y) = (window.x(point.far), window.y(point.pod));
            let same = |spot: &&mut Spot<'_>| {
                (spot.x - x).abs() < SAME && (spot.y - y).abs() < SAME && spot.line == point.line
            };
            match spots.iter_mut().find(same) {
                Some(spot) => {
                    spot.labels.push(&point.label);
                    spot.is_current |= point.is_current;
                }
                None => spots.push(Spot {
                    x,
                    y,
                    line: point.line,
                    labels: vec![&point.label],
                    is_current: point.is_current,
                }),
            }
        }
        spots
    }
}

impl Spot<'_> {
    fn label(&self) -> String {
        match self.labels.as_slice() {
            [first, .., last] if self.labels.len() > NAMED_MAX => format!("{first} … {last}"),
            labels => labels.join(", "),
        }
    }
}

fn axes(window: Window, add: &mut impl FnMut(&str)) {
    let [left, top, right, bottom] = PLOT;
    for percent in marks(window.far) {
        let x = window.x(f64::from(percent) / 100.0);
        add(&format!(
            "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#dddddd\"/>"
        ));
        add(&text(x, bottom + 22.0, "middle", "", &percent.to_string()));
    }
    for percent in marks(window.pod) {
        let y = window.y(f64::from(percent) / 100.0);
        add(&format!(
            "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#dddddd\"/>"
        ));
        add(&text(left - 10.0, y + 5.0, "end", "", &percent.to_string()));
    }
    add(&format!(
        "<path d=\"M{left} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"#000000\" stroke-width=\"1.5\"/>"
    ));
    let (across, up) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let far = "空报率 false-alarm ratio FAR（%）";
    let pod = "命中率 probability of detection POD（%）";
    add(&text(
        across,
        bottom + 52.0,
        "middle",
        "font-size=\"16\"",
        far,
    ));
    let turned = format!("font-size=\"16\" transform=\"rotate(-90 40 {up})\"");
    add(&text(40.0, up, "middle", &turned, pod));
}

/// Lines on which the critical success index is the same: 1/CSI = 1/(1 − FAR) + 1/POD − 1.
fn equal_csi(window: Window, add: &mut impl FnMut(&str)) {
    let (from, to) = window.far;
    for tenth in 1..10 {
        let csi = f64::from(tenth) / 10.0;
        let point = |step: i32| {
            let far = f64::from(from * 2 + step) / 200.0;
            let over = 1.0 / csi + 1.0 - 1.0 / (1.0 - far);
            let pod = 1.0 / over;
            let is_shown = over >= 1.0 && pod * 100.0 >= f64::from(window.pod.0);
            let is_below = pod * 100.0 <= f64::from(window.pod.1);
            (is_shown && is_below).then(|| (window.x(far), window.y(pod)))
        };
        let points: Vec<(f64, f64)> = (0..=(to - from) * 2).filter_map(point).collect();
        let Some((x, y)) = points.first().filter(|_| points.len() > 4) else {
            continue;
        };
        let line = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
        let line = line.collect::<Vec<_>>().join(" ");
        add(&format!(
            "<polyline points=\"{line}\" fill=\"none\" stroke=\"#999999\" stroke-dasharray=\"3 4\"/>"
        ));
        let words = format!("CSI {csi:.1}");
        let style = "font-size=\"12\" fill=\"#666666\"";
        add(&text(x + 6.0, y - 6.0, "start", style, &words));
    }
}

/// Each label at the first free place around its point, joined to it where that is farther off.
fn labels(spots: &[Spot<'_>], add: &mut impl FnMut(&str)) {
    let [high, wide] = LABEL;
    let mut taken: Vec<Rect> = Vec::new();
    taken.extend(
        spots
            .iter()
            .map(|spot| Rect::around(spot.x, spot.y, 9.0, 9.0)),
    );
    for spot in spots {
        let label = spot.label();
        let size = (label.chars().count() as f64 * wide, high);
        let (x, y, rect, is_far) = place(spot, size, &taken);
        taken.push(rect);
        if is_far {
            let (from_x, from_y) = (spot.x, spot.y);
            add(&format!(
                "<path d=\"M{from_x:.1} {from_y:.1}L{x:.1} {y:.1}\" stroke=\"#888888\" stroke-width=\"0.8\"/>"
            ));
        }
        let weight = if spot.is_current { "bold" } else { "normal" };
        let style = format!(
            "font-size=\"{high}\" font-weight=\"{weight}\" fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\"",
            colour(spot.line)
        );
        add(&text(x, y + 5.0, "middle", &style, &label));
    }
}

/// Directions to try: the corners, then the sides.
const AROUND: [(f64, f64); 8] = [
    (1.0, -1.0),
    (1.0, 1.0),
    (-1.0, -1.0),
    (-1.0, 1.0),
    (0.0, -1.0),
    (0.0, 1.0),
    (1.0, 0.0),
    (-1.0, 0.0),
];

fn place(spot: &Spot<'_>, (wide, high): (f64, f64), taken: &[Rect]) -> (f64, f64, Rect, bool) {
    for ring in 0..6 {
        let ringed = if spot.is_current { 5.0 } else { 0.0 };
        let away = 5.0 + ringed + 18.0 * f64::from(ring);
        for (right, down) in AROUND {
            let x = spot.x + right * (away + wide / 2.0);
            let y = spot.y + down * (away + high / 2.0);
            let rect = Rect::around(x, y, wide, high);
            if rect.is_in_plot() && !taken.iter().any(|other| rect.meets(other)) {
                return (x, y, rect, ring > 0);
            }
        }
    }
    let x = spot.x + 11.0 + wide / 2.0;
    (x, spot.y, Rect::around(x, spot.y, wide, high), false)
}

fn colour(line: usize) -> &'static str {
    COLOURS.get(line % COLOURS.len()).unwrap_or(&"#000000")
}

fn text(x: f64, y: f64, anchor: &str, style: &str, words: &str) -> String {
    let words = escaped(words);
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {style}>{words}</text>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
