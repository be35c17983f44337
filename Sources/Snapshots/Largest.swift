// SPDX-License-Identifier: Apache-2.0

/// The largest of many, without keeping all of them; of equal ones those that came first.
struct Largest<Element> {
    private let limit: Int
    private var kept: [(weight: Int64, element: Element)] = []

    init(_ limit: Int) { self.limit = limit }

    /// - Parameter element: made only for one that is kept.
    mutating func offer(_ weight: Int64, _ element: @autoclosure () -> Element) {
        if kept.count == limit {
            guard let last = kept.last, last.weight < weight else { return }
            kept.removeLast()
        }
        let place = kept.firstIndex { $0.weight < weight } ?? kept.endIndex
        kept.insert((weight, element()), at: place)
    }

    /// Largest first.
    var elements: [Element] { kept.map(\.element) }
}

/// How many there are, and the first so many of them.
struct Counted<Element> {
    private let limit: Int
    private(set) var count = 0
    private(set) var first: [Element] = []

    init(_ limit: Int) { self.limit = limit }

    mutating func append(_ element: @autoclosure () -> Element) {
        count += 1
        if first.count < limit { first.append(element()) }
    }
}
