//! Tables for people: aligned, in a pipe whole and plain, on a terminal as wide as it is.

use super::style::{Style, Tone};
use crate::terminal::escape;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
const GAP: usize = 2;

/// A table, row by row.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// A column's title, and what may become of it where there is no room.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Title.
    pub title: &'static str,
    /// Its text may be cut to this many characters.
    pub least: Option<usize>,
    /// It may be left out; the highest number goes first.
    pub expendable: u8,
}

impl Column {
    /// A column that stays as it is.
    pub fn fixed(title: &'static str) -> Self {
        Self { title, least: None, expendable: 0 }
    }

    /// A column whose text may be cut.
    pub fn cut(title: &'static str, least: usize) -> Self {
        Self { title, least: Some(least), expendable: 0 }
    }

    /// The same, left out where cutting is not enough.
    #[must_use]
    pub fn expendable(self, rank: u8) -> Self {
        Self { expendable: rank, ..self }
    }
}

#[derive(Debug)]
enum Row {
    Cells(Vec<Cell>),
    /// A name, and a sentence in place of the other cells.
    Note(Cell, Cell),
}

/// Text and what it is to the reader.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Foreign text is escaped here.
    pub fn new(text: &str, tone: Tone) -> Self {
        Self { text: escape(text).into_owned(), tone }
    }

    /// Plain text, or a faint `-` for none.
    pub fn or_dash(text: Option<&str>) -> Self {
        text.map_or_else(|| Self::new("-", Tone::Faint), |text| Self::new(text, Tone::Plain))
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

impl Table {
    /// A table without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: vec![] }
    }

    /// Adds a row; as many cells as there are columns.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(Row::Cells(cells));
    }

    /// Adds a row of a name and a sentence.
    pub fn note(&mut self, name: Cell, sentence: Cell) {
        self.rows.push(Row::Note(name, sentence));
    }

    /// The lines, each with its end.
    pub fn render(&self, style: &Style) -> String {
        let widths = self.widths(style);
        let mut text = String::new();
        let mut line = |cells: &[(usize, &Cell)]| {
            let mut line = String::new();
            for (position, (width, cell)) in cells.iter().enumerate() {
                let shown = cut(&cell.text, *width, style);
                let padding = if position + 1 == cells.len() { 0 } else { width - shown.width() + GAP };
                line += &style.paint(&shown, cell.tone);
                line += &" ".repeat(padding);
            }
            text += line.trim_end();
            text.push('\n');
        };
        let titles: Vec<Cell> = self.columns.iter().map(|column| Cell::new(column.title, Tone::Heading)).collect();
        let placed = |cells: &[Cell]| -> Vec<(usize, Cell)> {
            widths.iter().zip(cells).filter_map(|(width, cell)| Some(((*width)?, cell.clone()))).collect()
        };
        for row in std::iter::once(&Row::Cells(titles)).chain(&self.rows) {
            match row {
                Row::Cells(cells) => {
                    line(&placed(cells).iter().map(|(width, cell)| (*width, cell)).collect::<Vec<_>>())
                }
                Row::Note(name, sentence) => {
                    let first = widths[0].unwrap_or(0);
                    let rest = style.width.map_or(usize::MAX, |width| width.saturating_sub(first + GAP));
                    line(&[(first, name), (rest, sentence)]);
                }
            }
        }
        text
    }

    /// The lines with nothing cut: where they are too wide, the last column stands below the one before it.
    pub fn render_whole(mut self, style: &Style) -> String {
        let whole = Style { width: None, ..*style };
        let total: usize = self.widths(&whole).into_iter().flatten().map(|width| width + GAP).sum();
        if style.width.is_none_or(|room| total - GAP <= room) {
            return self.render(&whole);
        }
        self.columns.pop();
        let above = self.columns.len();
        self.rows = std::mem::take(&mut self.rows)
            .into_iter()
            .flat_map(|row| match row {
                Row::Cells(mut cells) => {
                    let mut below = vec![Cell::default(); above];
                    below[above - 1] = cells.pop().unwrap_or_default();
                    vec![Row::Cells(cells), Row::Cells(below)]
                }
                note => vec![note],
            })
            .collect();
        self.render(&whole)
    }

    /// How wide each column is; `None` for one that is left out.
    fn widths(&self, style: &Style) -> Vec<Option<usize>> {
        let natural = |index: usize| {
            let cells = self.rows.iter().map(|row| match row {
                Row::Cells(cells) => cells[index].width(),
                Row::Note(name, _) if index == 0 => name.width(),
                Row::Note(..) => 0,
            });
            cells.max().unwrap_or(0).max(self.columns[index].title.width())
        };
        let mut widths: Vec<Option<usize>> = (0..self.columns.len()).map(|index| Some(natural(index))).collect();
        let Some(room) = style.width else { return widths };
        let total = |widths: &[Option<usize>]| widths.iter().flatten().map(|width| width + GAP).sum::<usize>() - GAP;
        let least: usize = total(&widths);
        if least <= room {
            return widths;
        }
        loop {
            // the widest gives way first
            while total(&widths) > room {
                let cuttable = widths.iter().enumerate().filter_map(|(index, width)| {
                    let (width, least) = ((*width)?, self.columns[index].least?);
                    (width > least.max(self.columns[index].title.width())).then_some((width, index))
                });
                let Some((width, index)) = cuttable.max() else { break };
                widths[index] = Some(width - 1);
            }
            let expendable = (0..widths.len()).filter(|index| widths[*index].is_some());
            let next = expendable.max_by_key(|index| self.columns[*index].expendable);
            match next.filter(|index| self.columns[*index].expendable > 0) {
                Some(index) if total(&widths) > room => {
                    widths[index] = None;
                    for (index, width) in widths.iter_mut().enumerate() {
                        *width = width.map(|_| natural(index));
                    }
                }
                _ => return widths,
            }
        }
    }
}

fn cut(text: &str, width: usize, style: &Style) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    for c in text.chars() {
        if shown.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        shown.push(c);
    }
    shown + style.ellipsis()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table =
            Table::new(vec![Column::cut("NAME", 6), Column::fixed("ACCOUNT"), Column::cut("REGION", 6).expendable(1)]);
        table.row(vec![
            Cell::or_dash(Some("administrator")),
            Cell::or_dash(Some("111122223333")),
            Cell::or_dash(Some("eu-west-1")),
        ]);
        table.row(vec![Cell::or_dash(Some("ann\u{1b}[2J")), Cell::or_dash(None), Cell::or_dash(None)]);
        table.note(Cell::new("broken", Tone::Bad), Cell::new("it goes round in a circle", Tone::Bad));
        table
    }

    #[test]
    fn a_pipe_gets_all_of_it_and_no_escape() {
        let expected = "\
NAME           ACCOUNT       REGION
administrator  111122223333  eu-west-1
ann\\u{1b}[2J   -             -
broken         it goes round in a circle
";
        assert_eq!(table().render(&Style::default()), expected);
    }

    #[test]
    fn where_nothing_may_be_cut_the_last_column_goes_below() {
        let at = |width| table().render_whole(&Style { width: Some(width), unicode: true, ..Style::default() });
        assert_eq!(at(38), table().render(&Style::default()));
        let expected = "\
NAME           ACCOUNT
administrator  111122223333
               eu-west-1
ann\\u{1b}[2J   -
               -
broken         it goes round in a circle
";
        assert_eq!(at(37), expected);
    }

    #[test]
    fn a_narrow_terminal_gets_the_widest_cut_and_the_least_left_out() {
        let at = |width| table().render(&Style { width: Some(width), unicode: true, ..Style::default() });
        assert!(at(34).contains("\nadminist…  111122223333  eu-west-1\n"), "{}", at(34));
        assert!(at(24).starts_with("NAME        ACCOUNT\nadministr…  111122223333\n"), "{}", at(24));
        assert!(at(24).lines().all(|line| line.width() <= 24), "{}", at(24));
    }
}
