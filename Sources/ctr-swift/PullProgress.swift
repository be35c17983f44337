// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Client
internal import Glibc
internal import Linux

/// A pull's progress on stderr: a bar a layer on a terminal, plain lines off it, and at the end the resolved digest.
struct PullProgress {
    private let quiet: Bool
    private let bars: Bool
    private(set) var digest = ""
    private var reference = ""
    private var layers: [String] = []
    private var states: [String: (status: PullEvent.LayerStatus, current: Int64, total: Int64)] = [:]
    private var drawn = 0

    init(quiet: Bool) {
        self.quiet = quiet
        bars = !quiet && isTerminal(2)
    }

    mutating func take(_ event: PullEvent) {
        switch event.event {
        case .resolved:
            digest = event.digest ?? ""
            reference = event.reference ?? ""
            line("\(reference): \(digest)")
        case .manifest:
            for layer in event.layers ?? [] where states[layer.digest] == nil {
                layers.append(layer.digest)
                states[layer.digest] = (.waiting, 0, layer.sizeInBytes)
            }
            if layers.isEmpty { return }
            draw()
        case .layer: layer(event)
        case .committing: line("committing")
        case .done, .failed: break
        }
    }

    private mutating func layer(_ event: PullEvent) {
        guard let digest = event.digest, let status = event.status else { return }
        let known = states[digest] ?? (.waiting, 0, 0)
        states[digest] = (status, event.current ?? known.1, event.total ?? known.2)
        if bars { return draw() }
        if status != .pulling, status != .waiting || known.0 != .waiting { line("\(digest.dropFirst(7).prefix(12)): \(words(status))") }
    }

    mutating func finish() {
        guard !quiet else { return }
        let existing = states.values.count { $0.status == .exists }
        if !digest.isEmpty { line("\(reference)@\(digest): \(states.count) layers, \(existing) of them here already") }
    }

    private func words(_ status: PullEvent.LayerStatus) -> String {
        switch status {
        case .waiting: "waiting"
        case .exists: "already exists"
        case .pulling: "pulling"
        case .extracted: "extracted"
        case .retrying: "connection broken, trying again"
        }
    }

    private mutating func line(_ text: String) {
        guard !quiet else { return }
        writeBytes(Array((terminalSafe(text) + "\n").utf8), to: 2)
        drawn = 0
    }

    /// Redraws all bars in their place.
    private mutating func draw() {
        guard bars else { return }
        var text = drawn > 0 ? "\u{1b}[\(drawn)A" : ""
        for digest in layers {
            guard let state = states[digest] else { continue }
            let filled = state.total > 0 ? Int(min(30, state.current * 30 / state.total)) : 0
            let bar = String(repeating: "#", count: state.status == .extracted ? 30 : filled)
            let rest = String(repeating: ".", count: 30 - bar.count)
            text += "\u{1b}[2K\(digest.dropFirst(7).prefix(12)) [\(bar)\(rest)] \(words(state.status)) \(byteCount(state.total))\n"
        }
        writeBytes(Array(text.utf8), to: 2)
        drawn = layers.count
    }
}
