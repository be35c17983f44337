// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Linux
package import Logging
package import Metadata
internal import Runtime
package import ShimProtocol
package import Snapshots
internal import Synchronization
package import SystemPackage

/// What the service needs to know of its node.
package struct ContainerConfiguration: Sendable {
    package var root: FilePath
    package var state: FilePath
    /// The parent of every container's cgroup, in each hierarchy: "ctr-swift".
    package var cgroupParent: String
    package var shimPath: FilePath
    /// The group that may attach.
    package var socketGroup: UInt32
    /// Of containers that ask for nothing else.
    package var logLimits = LogLimits()
    /// Where ids for user namespaces come from.
    package var subordinateIDs = SubordinateIDs()

    package init(root: FilePath, state: FilePath, cgroupParent: String, shimPath: FilePath, socketGroup: UInt32) {
        self.root = root
        self.state = state
        self.cgroupParent = cgroupParent
        self.shimPath = shimPath
        self.socketGroup = socketGroup
    }
}

/// The life of containers on this node: create, start, stop, wait, remove, and finding them again after a restart.
///
/// Verbs on one container are decided by its `LifeCycle`, under its lock; verbs on others are never waited for.
package final class ContainerService: Sendable {
    let configuration: ContainerConfiguration
    let snapshots: SnapshotStore
    let metadata: MetadataStore
    let events: EventHub
    let pool: BlockingPool
    /// Of its own for further processes, whose way to their program may lead over a filesystem that does not answer: nothing else waits then.
    let execPool = BlockingPool(width: 8)
    let hostLook = HostLook()
    let logger: Logger
    let index = ContainerIndex()
    /// Containers that are not in the index: they may run.
    let unseen = Mutex<[String: Unseen]>([:])
    let monitor: ShimMonitor
    let seccomp: SeccompCache
    /// The shim's binary by a read-only mount that no path leads to: a container that reaches its runtime can't write to it.
    let shim: OwnedFD

    /// - Throws: `ContainerError.kernel` where the state directory can't be made, or the monitor not started.
    package init(
        configuration: ContainerConfiguration, snapshots: SnapshotStore, metadata: MetadataStore, events: EventHub, pool: BlockingPool,
        logger: Logger
    ) throws(ContainerError) {
        self.configuration = configuration
        self.snapshots = snapshots
        self.metadata = metadata
        self.events = events
        self.pool = pool
        self.logger = logger
        do throws(KernelError) {
            try makeDirectory(configuration.state.appending("containers"), mode: 0o710)
            try changeGroup(of: configuration.state.appending("containers"), to: configuration.socketGroup)
            try makeDirectory(configuration.state.appending("seccomp"), mode: 0o700)
            monitor = try ShimMonitor()
            shim = try ProtectedExecutable.mount(of: configuration.shimPath)
            seccomp = SeccompCache(directory: configuration.state.appending("seccomp"))
            let monitor = monitor
            try startThread(name: "shim-monitor") { monitor.run() }
        } catch {
            throw .kernel("prepare the state directory", error)
        }
    }

    package func stop() async {
        for container in index.all {
            container.clearPendingRestart()
            for helper in container.filesHelpers { helper.kill() }
        }
        for container in unseen.withLock({ $0.values }) { container.search?.cancel() }
        monitor.stop()
        await execPool.shutdown()
    }

    package func find(_ text: String) throws(ContainerError) -> Container { try index.find(text) }

    /// In no order.
    package var all: [Container] { index.all }

    /// Newest first, as `ps` shows them.
    package func list(all: Bool) -> [ContainerSummary] {
        index.all.map(\.summary).filter { all || $0.state.isLive || $0.state == .restarting }.sorted { $0.createdAt > $1.createdAt }
    }

    /// Those that have processes.
    package var running: [Container] { index.all.filter(\.life.isLive) }

    /// Containers that have a layer mounted, or are about to: of those that run, of those that are being started, and of those that may run.
    package func liveContainers(onLayer layer: Int64) -> [String] {
        // These first: one that is found meanwhile is in the index before it leaves them.
        let unseen = unseen.withLock { $0.filter { $0.value.layerIDs.contains(layer) }.map(\.key) }
        let seen = index.all.filter { $0.life.isLive && $0.layerIDs.contains(layer) }.map(\.id.text)
        return seen + unseen.filter { !seen.contains($0) }
    }

    /// A container of an earlier daemon that could not be found again.
    struct Unseen: Sendable {
        let layerIDs: [Int64]
        /// Asks its monitor, which did not answer when the daemon was started; nil where the record can't be read.
        var search: Task<Void, Never>?
    }

    func paths(of id: ContainerID) -> ContainerPaths {
        ContainerPaths(root: configuration.root, state: configuration.state, id: id)
    }

    func publish(_ action: String, _ container: Container, _ attributes: [String: String] = [:]) {
        var attributes = attributes
        attributes["name"] = container.memo.name
        attributes["image"] = container.memo.request.image
        events.publish("container", action, id: container.id.text, attributes: attributes)
    }
}
