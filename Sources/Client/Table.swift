// SPDX-License-Identifier: Apache-2.0

/// Rows in aligned columns, safe to show.
package func table(_ header: [String], _ rows: [[String]]) -> String {
    let cells = ([header] + rows).map { $0.map(terminalSafe) }
    let widths = header.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
        var line = ""
        for (column, cell) in row.enumerated() {
            line += cell
            if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 3) }
        }
        return line + "\n"
    }.joined()
}

/// 1536 -> "1.5 KiB".
package func byteCount(_ bytes: Int64) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1024 || unit == "TiB" {
            if unit == "B" { return "\(bytes) B" }
            let tenths = Int64((value * 10).rounded())
            return "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        value /= 1024
    }
    return "\(bytes) B"
}
