// SPDX-License-Identifier: Apache-2.0

internal import Containers
internal import ContentStore
internal import Images
internal import Linux
public import Logging
internal import Metadata
internal import Registry
internal import ShimProtocol
internal import Snapshots
internal import Synchronization
internal import SystemPackage

/// A node that runs containers: what `ctr-swiftd` serves on its socket, and what a node agent embeds.
///
///     let node = try await NodeRuntime.start(NodeConfiguration(shimPath: "/usr/local/libexec/ctr-swift/ctr-swift-shim"), logger: logger)
///     _ = try await node.pull(PullRequest(reference: "docker.io/library/busybox:1")) { print($0) }
///     let made = try await node.createContainer(request, start: true)
///
/// One process a root: `start` takes a lock that a second one is refused. Set the umask to 0 before: every mode is explicit.
/// Containers outlive the runtime; the next `start` on the same root finds them again.
public final class NodeRuntime: Sendable {
    public let configuration: NodeConfiguration
    let logger: Logger
    let metadata: MetadataStore
    let snapshotStore: SnapshotStore
    let content: ContentStore
    let imageService: ImageService
    let containers: ContainerService
    let eventHub: EventHub
    let pool: BlockingPool
    let registry: RegistryClient
    /// Ended by `stop`.
    private let backgroundTasks = Mutex<[Task<Void, Never>]>([])
    let collector: SpaceCollector?
    let upkeep = Upkeep()

    /// Opens the root (made where it is missing), sweeps what an interrupted operation left, and finds running containers again.
    /// - Throws: `EngineError`; nothing runs then, and the lock is free.
    public static func start(_ configuration: NodeConfiguration, logger: Logger) async throws(EngineError) -> NodeRuntime {
        let node = try NodeRuntime(configuration, logger: logger)
        do throws(ContainerError) { try await node.containers.restore() } catch { throw EngineError(error) }
        node.snapshotStore.sweepInBackground()
        let (bootID, isAfterCrash) = try node.beginSession()
        if isAfterCrash { node.background { await $0.imageService.checkUnsettled(bootID: bootID) } }
        node.background { await $0.watchReplacedTrees() }
        do throws(EngineError) { try await node.reconcile() } catch { logger.error("\(error.message)") }
        node.upkeep.start(node)
        return node
    }

    private init(_ configuration: NodeConfiguration, logger: Logger) throws(EngineError) {
        guard (1...500).contains(configuration.maxLayers) else {
            throw EngineError(.invalidRequest, "max-layers of \(configuration.maxLayers)", remedy: "use 1 to 500, the kernel's ceiling")
        }
        guard configuration.logMaxSizeInBytes >= LogLimits.smallestSize, (1...LogLimits.mostFiles).contains(configuration.logMaxFiles)
        else {
            throw EngineError(
                .invalidRequest, "log-max-size of \(configuration.logMaxSizeInBytes) bytes, log-max-file of \(configuration.logMaxFiles)",
                remedy: "use 128KiB or more, and 1 to \(LogLimits.mostFiles) files")
        }
        guard configuration.reserveBytes >= 0, configuration.reserveInodes >= 0 else {
            throw EngineError(
                .invalidRequest, "reserve-bytes of \(configuration.reserveBytes), reserve-inodes of \(configuration.reserveInodes)",
                remedy: "use 0 or more")
        }
        guard Self.isCgroupParent(configuration.cgroupParent) else {
            throw EngineError(
                .invalidRequest, "cgroup-parent \"\(configuration.cgroupParent)\"",
                remedy: "use a path from the hierarchy's root on, without / at its front: system.slice/containers")
        }
        guard ProcessFailpoint.isUnderstood else {
            throw EngineError(
                .invalidRequest, "\(ProcessFailpoint.variable)=\(ProcessFailpoint.text ?? ""): not kill|stop:STEP:COUNT",
                remedy: "unset it: it is for crash tests")
        }
        if let text = ProcessFailpoint.text { logger.warning("the process will end at a step of its work", metadata: ["step": "\(text)"]) }
        guard configuration.waterMarks?.isValid ?? true else {
            throw EngineError(
                .invalidRequest, "water marks that can't be kept", remedy: "use 1 to 100 percent, and a low mark below the high one")
        }
        self.configuration = configuration
        self.logger = logger
        let root = FilePath(configuration.root)
        let state = FilePath(configuration.state)
        do {
            try makeDirectory(root, mode: 0o700)
            try makeDirectory(state, mode: 0o711)
            metadata = try MetadataStore(path: root.appending("meta.db"))
            snapshotStore = try SnapshotStore(
                root: root, metadata: metadata,
                reserve: SpaceReserve(bytes: UInt64(configuration.reserveBytes), inodes: UInt64(configuration.reserveInodes)),
                logger: logger)
            content = try ContentStore(root: root, metadata: metadata)
            registry = RegistryClient(
                configuration: RegistryConfiguration(
                    insecureRegistries: configuration.insecureRegistries, certificates: configuration.registryCertificates), logger: logger)
            imageService = ImageService(
                registry: registry, content: content, snapshots: snapshotStore, metadata: metadata,
                configuration: ImageConfiguration(maxLayers: configuration.maxLayers, keepBlobs: configuration.keepBlobs), logger: logger)
        } catch {
            throw EngineError(opening: error)
        }
        eventHub = EventHub()
        let events = eventHub
        collector = configuration.waterMarks.map { [snapshotStore, imageService] marks in
            SpaceCollector(marks, snapshots: snapshotStore, images: imageService, logger: logger) {
                Self.tell(of: $0, reason: "gc", events)
            }
        }
        snapshotStore.setRelief { [weak collector] isEnough in collector?.relieve(until: isEnough) ?? false }
        pool = BlockingPool()
        var containerConfiguration = ContainerConfiguration(
            root: root, state: state, cgroupParent: configuration.cgroupParent, shimPath: FilePath(configuration.shimPath),
            socketGroup: configuration.socketGroup)
        containerConfiguration.logLimits = LogLimits(
            maxSizeInBytes: configuration.logMaxSizeInBytes, maxFiles: configuration.logMaxFiles)
        containerConfiguration.subordinateIDs.configured = configuration.userNamespaceIDs.map { IDRange(first: $0.first, size: $0.size) }
        do throws(ContainerError) {
            containers = try ContainerService(
                configuration: containerConfiguration, snapshots: snapshotStore, metadata: metadata, events: eventHub, pool: pool,
                logger: logger)
        } catch {
            throw EngineError(error)
        }
    }

    /// Names alone: what leads elsewhere is another's.
    private static func isCgroupParent(_ path: String) -> Bool {
        !path.utf8.contains(0) && !path.utf8.contains(UInt8(ascii: "\n"))
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !["", ".", ".."].contains($0) }
    }

    private func background(_ body: @escaping @Sendable (NodeRuntime) async -> Void) {
        let task = Task { [weak self] in
            if let self { await body(self) }
        }
        backgroundTasks.withLock { $0.append(task) }
    }

    /// Lets go of everything; containers live on.
    public func stop() async {
        collector?.stop()
        await upkeep.stop()
        eventHub.finish()
        for task in backgroundTasks.withLock({ $0 }) {
            task.cancel()
            await task.value
        }
        await pool.run { self.endSession() }
        await containers.stop()
        await registry.shutdown()
        await pool.shutdown()
    }
}
