// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import ShimProtocol
internal import SystemPackage

// Questions to monitors. No thread waits for an answer, nor for a connection: monitors that stand still keep nobody else waiting, however many they
// are and however often they are asked.
extension ContainerService {
    /// A monitor answers within a millisecond; it may have to wait for a slow disk, or still be on the way to its container.
    static let shimPatience = Duration.seconds(10)

    /// One question on a connection of its own.
    /// - Returns: the answer; nil where the shim is not there, or has just ended.
    /// - Throws: `ContainerError.shim` where it does not answer in time.
    func ask(
        _ id: ContainerID, _ request: ShimRequest, within limit: Duration = shimPatience
    ) async throws(ContainerError) -> ShimMessage? {
        try await converse(with: id, request, within: limit)?.answer
    }

    /// The same, and the connection that the answer has come by, for more.
    func converse(
        with id: ContainerID, _ request: ShimRequest, within limit: Duration = shimPatience
    ) async throws(ContainerError) -> (answer: ShimMessage, line: ShimLine)? {
        let answer = ShimAnswer()
        guard let line = try await put(request, to: id, answer) else { return nil }
        switch await answer.wait(within: limit) {
        case .message(let message): return (message, line)
        case .closed: return nil
        case .late:
            monitor.forget(answer)
            throw .shim(id: id.short, "no answer within \(limit.components.seconds) s; does it stand still?")
        }
    }

    /// Sends a question; what comes on its connection is the answer's.
    /// - Returns: the connection; nil where the shim is not there.
    /// - Throws: `ContainerError.shim` where it has not taken those that others have asked before, and does not come to it.
    func put(_ request: ShimRequest, to id: ContainerID, _ answer: ShimAnswer) async throws(ContainerError) -> ShimLine? {
        for _ in 0..<Self.attempts {
            do throws(KernelError) {
                let line = ShimLine(try ShimConnection.connect(to: paths(of: id).socket, waiting: false))
                try line.connection.send(request)
                try monitor.expect(answer, on: line)
                return line
            } catch  where error.meansNoShim {
                return nil
            } catch  where error.meansBusyShim {
                // Many at once may have come first; one that stands still takes nobody.
                do { try await Task.sleep(for: Self.shimPatience / Self.attempts) } catch { break }
            } catch {
                throw .kernel("ask the shim of \(id.short)", error)
            }
        }
        throw .shim(id: id.short, "it takes no questions; does it stand still?")
    }

    private static let attempts = 500
}
