//! Charts as SVG from the server: sizes are attributes, colours are classes, and each has its numbers in words.

use maud::{Markup, html};

/// Heights of a spark line's box; widths are the number of points.
const SPARK: f64 = 32.0;
/// Height of a chart's box.
const CHART: f64 = 100.0;
/// Width of one bar with its gap.
const STEP: usize = 10;

#[expect(
    clippy::cast_precision_loss,
    reason = "heights of bars: far more exact than a pixel"
)]
fn height(value: u64, most: u64, full: f64) -> f64 {
    if most == 0 {
        0.0
    } else {
        (value as f64 / most as f64 * full * 10.0).round() / 10.0
    }
}

/// A line over time, with what it says in words.
pub(crate) fn spark(values: &[u64], label: &str) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0);
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(x, value)| format!("{x} {}", SPARK - 1.0 - height(*value, most, SPARK - 3.0)))
        .collect();
    let width = values.len().saturating_sub(1).max(1);
    let line = format!("M{}", points.join("L"));
    html! {
        svg class="spark" viewBox={ "0 0 " (width) " " (SPARK) } preserveAspectRatio="none" role="img" aria-label=(label) {
            @if !values.is_empty() {
                path class="area" d={ (line) "V" (SPARK) "H0Z" } {}
                path class="line" d=(line) {}
            }
        }
    }
}

/// One series of stacked bars.
pub(crate) struct Series {
    /// The family that colours it.
    pub(crate) family: &'static str,
    /// What it counts.
    pub(crate) word: String,
    /// A value a bar.
    pub(crate) values: Vec<u64>,
}

impl Series {
    /// Its sum.
    pub(crate) fn sum(&self) -> u64 {
        self.values.iter().sum()
    }
}

/// Bars over time, stacked by series; the axis begins at zero.
pub(crate) fn stacked(series: &[Series], label: &str) -> Markup {
    let bars = series.iter().map(|one| one.values.len()).max().unwrap_or(0);
    let value = |one: &Series, bar: usize| one.values.get(bar).copied().unwrap_or(0);
    let most = (0..bars)
        .map(|bar| series.iter().map(|one| value(one, bar)).sum())
        .max()
        .unwrap_or(0);
    let mut rects = Vec::new();
    for bar in 0..bars {
        let mut top = CHART;
        for one in series {
            let tall = height(value(one, bar), most, CHART - 2.0);
            if tall > 0.0 {
                top -= tall;
                rects.push((one.family, bar * STEP + 1, top, tall));
            }
        }
    }
    html! {
        svg class="chart" viewBox={ "0 0 " ((bars * STEP).max(STEP)) " " (CHART) } preserveAspectRatio="none" role="img" aria-label=(label) {
            line class="axis" x1="0" x2=((bars * STEP).max(STEP)) y1=(CHART) y2=(CHART) {}
            @for (family, x, y, tall) in rects {
                rect class=(family) x=(x) y=(format!("{y:.1}")) width=(STEP - 2) height=(tall) {}
            }
        }
    }
}

/// How full something is, of a hundred.
pub(crate) fn bar(part: u64, whole: u64, family: &str) -> Markup {
    let filled = part.saturating_mul(100).checked_div(whole).unwrap_or(0).min(100);
    html! {
        svg class=(family) viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect width=(filled) height="6" {}
        }
    }
}

/// Shares of a whole, side by side; classes `m1` to `m4`.
pub(crate) fn shares(parts: &[u64]) -> Markup {
    let whole = parts.iter().sum::<u64>().max(1);
    let mut at = 0;
    let mut rects = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let wide = part.saturating_mul(1000) / whole;
        if wide > 0 {
            rects.push((n + 1, at, wide.saturating_sub(2).max(1)));
        }
        at += wide;
    }
    html! {
        svg viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true" {
            @for (n, x, wide) in rects { rect class={ "m" (n) } x=(x) width=(wide) height="12" {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallest_bar_fills_the_chart_and_nothing_is_drawn_of_nothing() {
        let series = |values: &[u64]| {
            vec![Series {
                family: "good",
                word: String::new(),
                values: values.to_vec(),
            }]
        };
        let drawn = stacked(&series(&[0, 5, 10]), "x").into_string();
        assert_eq!(drawn.matches("<rect").count(), 2, "{drawn}");
        assert!(
            drawn.contains(r#"height="98""#) && drawn.contains(r#"height="49""#),
            "{drawn}"
        );
        assert_eq!(
            stacked(&series(&[0, 0]), "x")
                .into_string()
                .matches("<rect")
                .count(),
            0
        );
        assert!(!drawn.contains("style="));
    }

    #[test]
    fn shares_never_exceed_the_whole() {
        assert_eq!(shares(&[0, 0]).into_string().matches("<rect").count(), 0);
        let drawn = shares(&[1, 3]).into_string();
        assert!(drawn.contains(r#"x="250" width="748""#), "{drawn}");
    }
}
