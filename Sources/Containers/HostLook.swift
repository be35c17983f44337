// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import CLinux
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A first look at the host's paths that a request names. They may lie on a filesystem that does not answer, and then the thread that looks is lost
/// until it does: it is one of its own, so that the shared ones are kept for everybody else.
package final class HostLook: Sendable {
    private let looking = Mutex(0)
    private let most: Int
    private let patience: Duration

    /// - Parameters:
    ///   - most: how many may look, or hang, at once.
    ///   - patience: how long each is waited for.
    package init(most: Int = 64, patience: Duration = .seconds(30)) {
        self.most = most
        self.patience = patience
    }

    /// What of the host a request names.
    package struct Paths: Sendable {
        package var sources: [String]
        package var devices: [String]

        package init(sources: [String] = [], devices: [String] = []) {
            self.sources = sources
            self.devices = devices
        }

        package init(_ request: CreateContainerRequest) {
            sources = request.mounts.filter { $0.type == .bind }.compactMap(\.source)
            devices = (request.isolation?.devices ?? []).map(\.source) + (request.resources.devices ?? []).map(\.path)
        }
    }

    private final class Look: Sendable {
        let answered = FirstAnswer<Bool>()
        let path = Mutex("")
    }

    /// Returns when all have answered, whatever they said: who needs them asks again, and is not kept waiting then.
    /// - Throws: `ContainerError.stuckPath` where one has not, or too many hang already.
    package func wait(for paths: Paths) async throws(ContainerError) {
        // What is no path of the host is refused by those who know what it was meant for.
        let (sources, devices) = (paths.sources.filter(Self.isAbsolute), paths.devices.filter(Self.isAbsolute))
        guard let first = (sources + devices).first else { return }
        try await takePlace(for: first)
        let look = Look()
        do throws(KernelError) {
            try startThread(name: "host-look") {
                for path in sources { Self.open(path, look) }
                for path in devices { _ = try? Self.open(path, look)?.status() }
                self.looking.withLock { $0 -= 1 }
                look.answered.give(true)
            }
        } catch {
            looking.withLock { $0 -= 1 }
            throw .kernel("start a thread", error)
        }
        guard await look.answered.wait(within: patience, late: false) else {
            throw .stuckPath(look.path.withLock { $0 }, "no answer within \(patience.components.seconds) s")
        }
    }

    private static func isAbsolute(_ path: String) -> Bool { path.hasPrefix("/") && !path.utf8.contains(0) }

    @discardableResult
    private static func open(_ path: String, _ look: Look) -> OwnedFD? {
        look.path.withLock { $0 = path }
        return try? openFile(FilePath(path), CTR_O_PATH)
    }

    /// Many at once are through in a moment; those that hang are not.
    private func takePlace(for path: String) async throws(ContainerError) {
        for _ in 0..<Self.attempts {
            let isTaken = looking.withLock { looking in
                if looking >= most { return false }
                looking += 1
                return true
            }
            if isTaken { return }
            do { try await Task.sleep(for: patience / Self.attempts) } catch { break }
        }
        throw .stuckPath(path, "\(most) requests wait already for paths that don't answer")
    }

    private static let attempts = 500
}
