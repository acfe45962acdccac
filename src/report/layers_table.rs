//! Tables of what went on in the layers during one step.

use std::fmt;

use super::figures::{percent, plain};
use super::html::Text;
use crate::train::diagnosis::{Diagnosis, LayerFigures, ParameterFigures};

/// The tables of a step, one by layer and one by parameter.
pub struct LayersTable<'a>(pub &'a Diagnosis);

impl fmt::Display for LayersTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = self.0.layers.iter().map(|figures| {
            let LayerFigures { layer, mean, deviation, zeros, dead, saturated, .. } = figures;
            let saturated = saturated.map_or_else(|| "–".into(), percent);
            [layer.clone(), plain(*mean), plain(*deviation), percent(*zeros), percent(*dead), saturated]
        });
        table(f, "Results", ["layer", "mean", "deviation", "zeros", "dead units", "saturated"], layers)?;
        let parameters = self.0.parameters.iter().map(|figures| {
            let ParameterFigures { parameter, norm, gradient_norm, update_ratio, .. } = figures;
            let small = |value: &Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:.2e}"));
            [parameter.clone(), plain(*norm), small(gradient_norm), small(update_ratio)]
        });
        table(f, "Parameters", ["parameter", "norm", "gradient", "update ratio"], parameters)
    }
}

/// A table whose first column names the rows.
pub(super) fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    caption: &str,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    write!(f, "<div class=\"card scroll\"><table><caption>{caption}</caption><thead><tr>")?;
    head.iter().try_for_each(|name| write!(f, "<th scope=\"col\">{name}</th>"))?;
    f.write_str("</tr></thead><tbody>")?;
    for row in rows {
        let [first, rest @ ..] = row.as_slice() else { continue };
        write!(f, "<tr><th scope=\"row\">{}</th>", Text(first))?;
        rest.iter().try_for_each(|cell| write!(f, "<td>{}</td>", Text(cell)))?;
        f.write_str("</tr>")?;
    }
    f.write_str("</tbody></table></div>\n")
}
