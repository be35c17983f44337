// SPDX-License-Identifier: Apache-2.0

/// The word that was probably meant: the nearest one, where a third of it at most has to change.
package func suggestion(for word: String, among words: [String]) -> String? {
    let near = words.map { (word: $0, distance: distance(word, $0)) }.filter { $0.distance <= max(1, $0.word.count / 3) }
    if let nearest = near.min(by: { $0.distance < $1.distance }) { return nearest.word }
    let longer = words.filter { $0.hasPrefix(word) }
    return longer.count == 1 && word.count > 1 ? longer[0] : nil
}

/// Letters to insert, remove, replace or swap with a neighbour (Damerau's distance, restricted to adjacent swaps).
private func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one.prefix(64)), Array(other.prefix(64)))
    var (before, last, row) = ([Int](), [Int](), Array(0...other.count))
    for i in one.indices {
        (before, last, row) = (last, row, [i + 1] + [Int](repeating: 0, count: other.count))
        for j in other.indices {
            let replaced = last[j] + (one[i] == other[j] ? 0 : 1)
            row[j + 1] = min(last[j + 1] + 1, row[j] + 1, replaced)
            if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] { row[j + 1] = min(row[j + 1], before[j - 1] + 1) }
        }
    }
    return row[other.count]
}
