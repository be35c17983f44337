// SPDX-License-Identifier: Apache-2.0

package import APITypes

/// The progress of a pull or load as text: a bar for each layer on a terminal, plain lines off it. It writes nothing itself.
package struct PullProgress: Sendable {
    package enum Style: Sendable, Hashable {
        case quiet
        case lines
        case bars(rows: Int, columns: Int)
    }

    /// What the reference stood for: known once it was resolved.
    package private(set) var digest: String?
    /// The images that are there now.
    package private(set) var images: [ImageSummary] = []
    private let style: Style
    private var reference = ""
    private var layers: [Layer] = []
    private var places: [String: Int] = [:]
    /// Lines of bars that stand above the cursor.
    private var drawn = 0

    private struct Layer {
        var digest: String
        var status = PullEvent.LayerStatus.waiting
        var current: Int64 = 0
        var total: Int64
        var isFinished: Bool { status == .exists || status == .extracted }
    }

    package init(_ style: Style) {
        // A bar, the count of the others, and the cursor need three rows: with less, each redrawing would scroll.
        if case .bars(let rows, _) = style, rows < 3 { self.style = .lines } else { self.style = style }
    }

    /// `name@digest`: what names these bytes, here and everywhere, for good.
    package var canonicalName: String? {
        guard let digest else { return nil }
        return images.first?.digests.first { $0.hasSuffix(digest) } ?? "\(reference.prefix { $0 != "@" })@\(digest)"
    }

    /// - Returns: what to write to stderr.
    package mutating func take(_ event: PullEvent) -> String {
        switch event.event {
        case .resolved:
            digest = event.digest
            reference = event.reference ?? ""
            return line("\(reference): \(event.digest ?? "")")
        case .manifest:
            for layer in event.layers ?? [] where places[layer.digest] == nil {
                places[layer.digest] = layers.count
                layers.append(Layer(digest: layer.digest, total: layer.sizeInBytes))
            }
            return draw()
        case .layer: return layer(event)
        case .committing: return line("making it durable")
        case .done:
            if let image = event.image { images.append(image) }
            return ""
        case .failed: return ""
        }
    }

    /// The sum, once all is there.
    package func sum() -> String {
        guard style != .quiet, !layers.isEmpty else { return "" }
        let existing = layers.count { $0.status == .exists }
        let fetched = layers.filter { $0.status != .exists }.reduce(0) { $0 + $1.total }
        return "\(counted(layers.count, "layer")): \(existing) here already, \(byteCount(fetched)) fetched\n"
    }

    private mutating func layer(_ event: PullEvent) -> String {
        guard let digest = event.digest, let status = event.status else { return "" }
        let place = places[digest] ?? layers.count
        if place == layers.count {
            places[digest] = place
            layers.append(Layer(digest: digest, total: event.total ?? 0))
        }
        let before = layers[place].status
        layers[place].status = status
        layers[place].current = event.current ?? layers[place].current
        layers[place].total = event.total ?? layers[place].total
        if case .bars = style { return draw() }
        // Off a terminal the bytes are not counted: a line for each change is enough.
        guard status != before, status != .waiting, status != .pulling else { return "" }
        return line("\(shortID(digest)): \(Self.words(layers[place]))")
    }

    private static func words(_ layer: Layer) -> String {
        switch layer.status {
        case .waiting: "waiting"
        case .exists: "already exists"
        case .pulling: "\(byteCount(layer.current)) of \(byteCount(layer.total))"
        case .extracted: layer.total > 0 ? "unpacked, \(byteCount(layer.total))" : "unpacked"
        case .retrying: "connection broken, trying again"
        }
    }

    private mutating func line(_ text: String) -> String {
        if style == .quiet { return "" }
        drawn = 0
        return terminalSafe(text) + "\n"
    }

    /// All bars, in their place. Where there are more than rows, those that have something to tell.
    private mutating func draw() -> String {
        guard case .bars(let rows, let columns) = style else { return "" }
        var shown = layers
        // What has scrolled off can't be drawn over.
        let room = max(1, rows - 2)
        var hidden = 0
        if shown.count > room {
            let moving = shown.filter { !$0.isFinished && $0.status != .waiting }
            shown = Array(
                (moving + shown.filter(\.isFinished).reversed() + shown.filter { $0.status == .waiting }).prefix(max(1, room - 1)))
            hidden = layers.count - shown.count
        }
        var text = drawn > 0 ? "\u{1b}[\(drawn)A" : ""
        for layer in shown { text += "\u{1b}[2K" + shortened(Self.bar(layer, columns), columns: columns) + "\n" }
        if hidden > 0 { text += "\u{1b}[2K" + shortened("and \(counted(hidden, "more layer"))", columns: columns) + "\n" }
        drawn = shown.count + (hidden > 0 ? 1 : 0)
        return text
    }

    private static func bar(_ layer: Layer, _ columns: Int) -> String {
        let width = min(40, max(0, columns - 48))
        var share = layer.isFinished ? 1 : 0.0
        if !layer.isFinished, layer.total > 0 { share = min(1, Double(layer.current) / Double(layer.total)) }
        let filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        return "\(terminalSafe(shortID(layer.digest)))  " + (width > 0 ? "[\(bar)]  " : "") + words(layer)
    }
}
