// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Testing

@Suite struct PullProgressTests {
    private let one = "sha256:" + String(repeating: "1", count: 64)
    private let two = "sha256:" + String(repeating: "2", count: 64)
    private let top = "sha256:" + String(repeating: "f", count: 64)

    private func event(_ kind: PullEvent.Kind, _ change: (inout PullEvent) -> Void = { _ in }) -> PullEvent {
        var event = PullEvent(kind)
        change(&event)
        return event
    }

    private func layer(_ digest: String, _ status: PullEvent.LayerStatus, _ current: Int64? = nil) -> PullEvent {
        event(.layer) {
            $0.digest = digest
            $0.status = status
            $0.current = current
        }
    }

    private var beginning: [PullEvent] {
        [
            event(.resolved) {
                $0.reference = "r/app:1"
                $0.digest = top
            },
            event(.manifest) {
                $0.digest = two
                $0.layers = [
                    .init(digest: one, sizeInBytes: 1024), .init(digest: two, sizeInBytes: 4096), .init(digest: one, sizeInBytes: 1024),
                ]
            },
        ]
    }

    private var done: PullEvent {
        event(.done) {
            $0.image = ImageSummary(
                id: two, references: ["r/app:1"], digests: ["r/app@\(two)", "r/app@\(top)"], manifestDigest: two, platform: "linux/amd64",
                createdAt: nil, sizeInBytes: 1, layerCount: 2, lastUsedAt: "2026-01-01T00:00:00Z", pinned: false)
        }
    }

    @Test("off a terminal each change of a layer is a line, and bytes are not counted")
    func lines() {
        var progress = PullProgress(.lines)
        let events =
            beginning + [
                layer(one, .exists), layer(two, .waiting), layer(two, .pulling, 100), layer(two, .pulling, 200), layer(two, .retrying),
                layer(two, .pulling, 300), layer(two, .extracted, 4096), layer(two, .extracted, 4096), event(.committing), done,
            ]
        let text = events.map { progress.take($0) }.joined() + progress.sum()
        #expect(
            text == """
                r/app:1: \(top)
                111111111111: already exists
                222222222222: connection broken, trying again
                222222222222: unpacked, 4.0 KiB
                making it durable
                2 layers: 1 here already, 4.0 KiB fetched

                """)
        #expect(!text.contains("\u{1b}"))
    }

    @Test("the canonical name is the one with the digest that the reference stood for")
    func name() {
        var progress = PullProgress(.quiet)
        #expect(progress.canonicalName == nil)
        for event in beginning { #expect(progress.take(event) == "") }
        #expect(progress.images.isEmpty)
        _ = progress.take(done)
        #expect(progress.canonicalName == "r/app@\(top)")
        #expect(progress.sum() == "")
    }

    /// Plays text to a terminal of so many rows, as far as progress uses one.
    private func screen(_ text: String, rows: Int) -> [String] {
        var lines = [""]
        var row = 0
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "\n" {
                row += 1
                if row == lines.count { lines.append("") }
                continue
            }
            guard character == "\u{1b}" else {
                lines[row].append(character)
                continue
            }
            let number = Int(rest.dropFirst().prefix { $0.isNumber }) ?? 1
            rest = rest.dropFirst().drop { $0.isNumber }
            // Lines that have scrolled off can't be reached again.
            if rest.first == "A" { row = max(lines.count - rows, row - number) } else { lines[row] = "" }
            rest.removeFirst()
        }
        return lines
    }

    @Test("on a terminal every layer keeps its own line, whatever order its events come in")
    func bars() {
        var progress = PullProgress(.bars(rows: 24, columns: 100))
        let events =
            beginning + [layer(two, .pulling, 2048), layer(one, .pulling, 512), layer(one, .extracted), layer(two, .pulling, 4096)]
        let lines = screen(events.map { progress.take($0) }.joined(), rows: 24)
        #expect(lines.count == 4 && lines[3] == "")
        #expect(lines[0].hasPrefix("r/app:1"))
        #expect(lines[1] == "111111111111  [" + String(repeating: "#", count: 40) + "]  unpacked, 1.0 KiB")
        #expect(lines[2] == "222222222222  [" + String(repeating: "#", count: 40) + "]  4.0 KiB of 4.0 KiB")
        let more = screen(
            events.map { progress.take($0) }.joined() + progress.take(event(.committing)) + progress.take(layer(two, .extracted)), rows: 24)
        #expect(more.contains("making it durable"), "a line between bars is not drawn over")
    }

    @Test("bars fit the terminal, however small it is and however many layers there are", arguments: [(24, 80), (5, 20), (3, 200), (3, 1)])
    func fits(rows: Int, width: Int) {
        var progress = PullProgress(.bars(rows: rows, columns: width))
        let digests = (0..<127).map { "sha256:" + String(repeating: "0", count: 52) + String(1000 + $0) + "00000000" }
        var text = progress.take(
            event(.manifest) { $0.layers = digests.map { .init(digest: $0, sizeInBytes: 1 << 30) } })
        for digest in digests {
            text += progress.take(layer(digest, .pulling, 1 << 29)) + progress.take(layer(digest, .extracted, 1 << 30))
        }
        let lines = screen(text, rows: rows).dropLast()
        #expect(lines.count <= max(2, rows - 1))
        #expect(lines.allSatisfy { columns(of: $0) <= max(1, width) })
    }

    @Test("a terminal of one or two rows gets lines", arguments: [0, 1, 2])
    func tiny(rows: Int) {
        var progress = PullProgress(.bars(rows: rows, columns: 80))
        let text = (beginning + [layer(one, .pulling, 1), layer(one, .extracted)]).map { progress.take($0) }.joined()
        #expect(!text.contains("\u{1b}") && text.contains("unpacked"))
    }

    @Test("what a registry says can't move the cursor")
    func hostile() {
        for style in [PullProgress.Style.lines, .bars(rows: 24, columns: 80)] {
            var progress = PullProgress(style)
            var text = progress.take(
                event(.resolved) {
                    $0.reference = "\u{1b}[2J"
                    $0.digest = "\u{9b}H"
                })
            text += progress.take(
                event(.layer) {
                    $0.digest = "sha256:\u{1b}]0;x\u{7}"
                    $0.status = .exists
                    $0.total = .max
                    $0.current = .min
                })
            #expect(!text.contains("\u{1b}[2J") && !text.contains("\u{1b}]") && !text.contains("\u{9b}") && !text.contains("\u{7}"))
        }
    }

    @Test(
        "fingers that know Docker are told what there is instead",
        arguments: [
            ("compose", true), ("build", true), ("push", true), ("volume", true), ("df", true), ("system", false), ("xyzzy", false),
        ])
    func habits(command: String, known: Bool) {
        #expect((DockerHabits.note(command: command) != nil) == known)
        #expect(DockerHabits.note(option: "--publish")?.contains("--network") == true)
        #expect(DockerHabits.note(option: "--net")?.contains("container:NAME") == true)
        #expect(DockerHabits.note(command: "network")?.contains("container:NAME") == true)
        #expect(DockerHabits.note(option: "-eA") != nil && DockerHabits.note(option: "--env") == nil)
    }
}
