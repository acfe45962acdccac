//! Curves in plain characters.

use super::curve::Curve;

const ROWS: usize = 21;
/// What stands before a row: a number and a space.
const MARGIN: usize = 9;
const VALUE: u8 = b'*';
const SLOPE: u8 = b'.';

/// The lines of a picture `columns` wide, of a curve with as many places as asked for: `*` is the function, `.` its derivative.
pub fn draw(columns: usize, curve: impl Fn(usize) -> Curve) -> Vec<String> {
    let width = columns.saturating_sub(MARGIN).clamp(11, 200);
    // Of an odd number, the place in the middle is one of them.
    let width = width - (width + 1) % 2;
    let Curve { x, values, slopes } = curve(width);
    let drawn = || values.iter().chain(&slopes).copied().filter(|y| y.is_finite());
    let (low, high) = (drawn().fold(0.0, f64::min), drawn().fold(0.0, f64::max));
    let span = if high > low { high - low } else { 1.0 };
    let row = |y: f64| ((high - y) / span * (ROWS - 1) as f64).round().clamp(0.0, (ROWS - 1) as f64) as usize;
    let mut cells = vec![vec![b' '; width]; ROWS];
    cells[row(0.0)].fill(b'-');
    if let (Some(first), Some(last)) = (x.first(), x.last()) {
        let zero = (-first / (last - first) * (width - 1) as f64).round();
        if (0.0..width as f64).contains(&zero) {
            cells.iter_mut().for_each(|row| row[zero as usize] = if row[0] == b'-' { b'+' } else { b'|' });
        }
    }
    for (curve, mark) in [(&slopes, SLOPE), (&values, VALUE)] {
        for (column, y) in curve.iter().enumerate().filter(|(_, y)| y.is_finite()) {
            // From half way to the neighbours on, so that a steep curve has no holes.
            let half =
                |neighbour: Option<&f64>| neighbour.filter(|y| y.is_finite()).map_or(*y, |other| (other + y) / 2.0);
            let ends =
                [half(column.checked_sub(1).and_then(|before| curve.get(before))), half(curve.get(column + 1)), *y]
                    .map(row);
            let (top, bottom) = (ends.iter().min().copied().unwrap_or(0), ends.iter().max().copied().unwrap_or(0));
            cells[top..=bottom].iter_mut().for_each(|row| row[column] = mark);
        }
    }
    let label = |at: usize| match at {
        0 => number(high),
        at if at == row(0.0) => number(0.0),
        at if at == ROWS - 1 => number(low),
        _ => String::new(),
    };
    let mut lines: Vec<String> = cells.iter().enumerate().map(|(at, cells)| line(&label(at), cells)).collect();
    let (from, to) = (x.first().map_or(String::new(), |x| number(*x)), x.last().map_or(String::new(), |x| number(*x)));
    lines.push(format!("{:MARGIN$}{from}{to:>rest$}", "", rest = width.saturating_sub(from.len())));
    lines.push("* value  . derivative".into());
    lines
}

fn line(label: &str, cells: &[u8]) -> String {
    let cells: String = cells.iter().map(|&cell| char::from(cell)).collect();
    format!("{label:>width$} {cells}", width = MARGIN - 1).trim_end().to_owned()
}

/// A number in at most eight characters.
fn number(value: f64) -> String {
    let text = format!("{:.3}", value + 0.0);
    let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if text.len() < MARGIN { text } else { format!("{value:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parabola(count: usize) -> Curve {
        let x: Vec<f64> = (0..count).map(|i| 4.0 * i as f64 / (count - 1) as f64 - 2.0).collect();
        Curve { values: x.iter().map(|x| x * x).collect(), slopes: x.iter().map(|x| 2.0 * x).collect(), x }
    }

    #[test]
    fn a_picture_fits_its_width_and_shows_both_curves() {
        for columns in [24, 40, 80, 133] {
            let lines = draw(columns, parabola);
            assert!(lines.iter().all(|line| line.len() <= columns && line.is_ascii()), "{}", lines.join("\n"));
            assert_eq!(lines.len(), ROWS + 2);
            let width = columns - MARGIN - (columns - MARGIN + 1) % 2;
            // The parabola comes down from both upper corners and touches the axis in the middle.
            let cells: Vec<Vec<u8>> = lines.iter().map(|line| line.bytes().skip(MARGIN).collect()).collect();
            assert_eq!((cells[0][0], cells[0][width - 1]), (VALUE, VALUE), "{}", lines.join("\n"));
            assert_eq!(cells[ROWS / 2][width / 2], VALUE);
            assert_eq!(cells[ROWS - 1][0], SLOPE);
            assert!((0..width).all(|column| cells[..ROWS].iter().any(|row| row.get(column) == Some(&VALUE))));
            assert!(lines[0].trim_start().starts_with("4 ") && lines[ROWS - 1].trim_start().starts_with("-4 "));
        }
    }

    #[test]
    fn numbers_stay_short() {
        assert_eq!(
            [0.0, -0.0, 1.5, -0.2784, 1e7, -123456.0].map(number),
            ["0", "0", "1.5", "-0.278", "10000000", "-123456"]
        );
        assert!([1e30, -1e-30, 1.23456e9].iter().all(|&value| number(value).len() < MARGIN));
    }
}
