// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Glibc
internal import HTTPServer
internal import Linux
internal import Logging
internal import ServiceLifecycle
internal import SystemPackage
internal import UnixSignals

/// Listens, opens the node, and serves it until a signal asks for the end. Containers go on.
///
/// The socket comes first: a client that is early waits for the node instead of being refused, and where another daemon has the socket
/// nothing else is touched.
func serve(_ configuration: NodeConfiguration, _ logger: Logger) async throws {
    let manager = ServiceManager()
    let listener = try listen(configuration)
    let runtime: NodeRuntime
    do throws(EngineError) {
        runtime = try await NodeRuntime.start(configuration, logger: logger)
    } catch {
        listener.name?.remove()
        throw StartError(error.message, remedy: error.remedy)
    }
    let server = try APIServer(runtime, listener: listener, group: configuration.socketGroup, logger: logger) {
        logger.info("ready", metadata: ["socket": "\(configuration.socketPath)", "version": "\(NodeRuntime.versionNumber)"])
        manager.notify("READY=1")
        ResidentMemory.release()
    }
    var group = ServiceGroupConfiguration(
        services: [
            .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: Farewell(manager: manager, logger: logger)),
        ],
        gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: logger)
    group.maximumGracefulShutdownDuration = Farewell.patience
    try await ServiceGroup(configuration: group).run()
    await runtime.stop()
    logger.info("stopped; containers go on")
}

private func listen(_ configuration: NodeConfiguration) throws(StartError) -> ListeningSocket {
    do throws(ListeningError) {
        if let inherited = try ListeningSocket.inherited() { return inherited }
        return try ListeningSocket.bind(at: FilePath(configuration.socketPath), group: configuration.socketGroup)
    } catch {
        throw StartError(error.description, remedy: error.remedy)
    }
}

/// Hears of the shutdown first: tells systemd, and sees to it that it ends. Requests get nine seconds; a call that does not
/// come back from the kernel even then must not keep the process: what is on the disk is right at every moment.
private struct Farewell: Service {
    static let patience = Duration.seconds(9)
    let manager: ServiceManager
    let logger: Logger

    func run() async throws {
        try await gracefulShutdown()
        logger.info("stopping: no new connections, open requests get \(Self.patience)")
        manager.notify("STOPPING=1")
        Task.detached { [logger] in
            try? await Task.sleep(for: Self.patience + .seconds(2))
            logger.warning("some requests did not end; leaving without them")
            Glibc.exit(EXIT_SUCCESS)
        }
    }
}
