// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

extension AttachSession {
    /// Which descriptor a poll entry stands for.
    enum Mark: Sendable { case connection, signals, stdin, input, output(Int), sink(Int) }

    /// A descriptor that stands in lists.
    final class Box {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    /// The client's ends of the container's streams, and what is on its way between them and ours.
    struct Ends {
        private var input: Box?
        var outputs: [Output] = []
        /// Typed, and not taken by the container yet.
        private var typed: ArraySlice<UInt8> = []
        private var stdinEnded = false

        init(delivery: inout ShimDelivery<ShimMessage>, _ streams: [ShimStream], usesStdin: Bool) {
            for stream in streams {
                guard let descriptor = delivery.takeDescriptor() else { break }
                let box = Box(descriptor)
                switch stream {
                case .stdin: input = box
                case .stdout: outputs.append(Output(stream, box, OutputSink(1)))
                case .stderr: outputs.append(Output(stream, box, OutputSink(2)))
                case .terminal:
                    if usesStdin { input = box }
                    outputs.append(Output(stream, box, OutputSink(1)))
                }
            }
        }

        func watch(_ poll: inout Poll<Mark>) {
            if let input {
                if !typed.isEmpty {
                    poll.add(input.descriptor.raw, .writable, .input)
                } else if !stdinEnded {
                    poll.add(0, .readable, .stdin)
                }
            }
            for (index, output) in outputs.enumerated() {
                if output.sink.isBehind {
                    poll.add(output.sink.descriptor, .writable, .sink(index))
                } else {
                    poll.add(output.source.descriptor.raw, .readable, .output(index))
                }
            }
        }

        mutating func readStdin(keepsInput: Bool) {
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = bytes.withUnsafeMutableBytes { read(0, $0.baseAddress, $0.count) }
            if count > 0 {
                typed = bytes[..<count]
                return
            }
            if count < 0, [.interrupted, .resourceTemporarilyUnavailable].contains(lastErrno()) { return }
            // The end of our input is the end of the container's; a terminal stays.
            stdinEnded = true
            if !keepsInput { input = nil }
        }

        mutating func writeInput() {
            guard let input else { return }
            // At most what a pipe takes at once after poll(2): so much never waits, even where the descriptor does.
            let piece = typed.prefix(4096)
            let count = piece.withUnsafeBytes { write(input.descriptor.raw, $0.baseAddress, $0.count) }
            if count > 0 {
                typed = typed.dropFirst(count)
            } else if ![.interrupted, .resourceTemporarilyUnavailable].contains(lastErrno()) {
                self.input = nil
                typed = []
            }
        }

        /// Lets go of the streams that are over.
        /// - Returns: the ones whose reader has gone while the container may still write.
        mutating func removeEnded() -> [ShimStream] {
            let unread = outputs.filter { $0.state == .unread }.map(\.stream)
            outputs.removeAll { $0.state != .open }
            return unread
        }
    }

    /// One of the container's outputs and where it is shown.
    struct Output {
        enum State { case open, ended, unread }

        let stream: ShimStream
        let source: Box
        let sink: OutputSink
        private(set) var state = State.open

        init(_ stream: ShimStream, _ source: Box, _ sink: OutputSink) {
            self.stream = stream
            self.source = source
            self.sink = sink
        }

        mutating func copy() {
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = bytes.withUnsafeMutableBytes { read(source.descriptor.raw, $0.baseAddress, $0.count) }
            if count > 0 {
                if !sink.give(bytes[..<count]) { state = .unread }
            } else if count == 0 || ![.interrupted, .resourceTemporarilyUnavailable].contains(lastErrno()) {
                state = .ended
            }
        }

        mutating func continueGiving() { if !sink.continueGiving() { state = .unread } }
    }
}
