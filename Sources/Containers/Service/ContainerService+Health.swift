// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Linux
internal import ShimProtocol

extension ContainerService {
    /// Called for each result of a probe, and for those that were there before this daemon.
    func noteHealth(_ report: ShimHealthReport, of container: Container) {
        guard let status = container.noteHealth(report) else { return }
        var attributes = ["status": status.rawValue, "failingStreak": "\(report.failingStreak)"]
        // The last result says why; an event is a line, and a program may say a lot.
        attributes["exitCode"] = report.result.map { "\($0.exitCode)" }
        publish("health", container, attributes)
    }

    /// Waits until a container is healthy. One that was not started yet is waited for.
    /// - Throws: `ContainerError.wrongState` when it ends before, `.invalidRequest` where it has no health check, `.notFound` where it is removed.
    package func waitUntilHealthy(_ container: Container) async throws(ContainerError) {
        try requireCheck(container)
        // Before the first look, so that no change is missed. Every event is a reason to look: those that were dropped may have been its.
        let stream = events.subscribe()
        if try isHealthy(container) { return }
        for await _ in stream where try isHealthy(container) { return }
        throw .shim(id: container.id.short, "the wait was given up before it was healthy")
    }

    private func isHealthy(_ container: Container) throws(ContainerError) -> Bool {
        guard index.container(container.id) != nil else { throw .notFound(container.id.short) }
        let summary = container.summary
        guard container.life.exit == nil, summary.state != .removing else {
            throw .wrongState(id: container.id.short, verb: "wait for the health of", state: summary.state)
        }
        return summary.health == .healthy
    }

    private func requireCheck(_ container: Container) throws(ContainerError) {
        guard container.memo.health == nil else { return }
        throw .invalidRequest(
            "container \(container.id.short) has no health check", remedy: "make it with --health-cmd or --health-probe")
    }

    /// Asks for its health now; the answer counts as every other.
    /// - Throws: `ContainerError.wrongState` for one that does not run, `.execRefused` where it can't be asked now.
    package func runHealthcheck(_ container: Container) async throws(ContainerError) -> HealthRunResponse {
        try requireCheck(container)
        guard container.life.phase == .running, !container.life.isPaused else { throw wrongState(container, "check the health of") }
        // It may take as long as the check's timeout.
        let timeout = (container.memo.health?.timeoutMilliseconds ?? 0) / 1000
        guard let answer = try await ask(container.id, .probe, within: .seconds(timeout + 30)) else {
            throw wrongState(container, "check the health of")
        }
        switch answer {
        case .health(let report):
            guard let result = report.result else { throw .shim(id: container.id.short, "a report of its health without a result") }
            return HealthRunResponse(
                status: HealthStatus(report.status), failingStreak: report.failingStreak, result: HealthResult(result))
        case .refused(let reason): throw .execRefused(id: container.id.short, reason)
        case .exited: throw .wrongState(id: container.id.short, verb: "check the health of", state: .stopped)
        case let other: throw .shim(id: container.id.short, "unexpected message \(other)")
        }
    }
}
