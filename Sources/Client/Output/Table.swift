// SPDX-License-Identifier: Apache-2.0

/// Rows in aligned columns, two spaces between; every cell is escaped, and no row is more or less than one line.
package func table(_ header: [String], _ rows: [[String]]) -> String { aligned([header] + rows) }

/// Pairs of a word and what it stands for, without a header.
package func pairs(_ rows: [(String, String)]) -> String { aligned(rows.map { [$0.0, $0.1] }) }

private func aligned(_ rows: [[String]]) -> String {
    let cells = rows.map {
        $0.map {
            let cell = terminalSafe($0); return (text: cell, columns: columns(of: cell))
        }
    }
    let count = cells.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in cells.map { column < $0.count ? $0[column].columns : 0 }.max() ?? 0 }
    return cells.map { row in
        var line = ""
        var owed = 0
        for (column, cell) in row.enumerated() {
            // Blanks are owed until there is something behind them: lines don't end in blanks.
            if !cell.text.isEmpty {
                line += String(repeating: " ", count: owed) + cell.text
                owed = 0
            } else {
                owed += cell.columns
            }
            owed += widths[column] - cell.columns + 2
        }
        return line + "\n"
    }.joined()
}
