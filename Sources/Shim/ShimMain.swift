// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Runtime
internal import ShimProtocol
package import SystemPackage

/// One container's monitor, from `shim.json` to the end of its PID 1. It has one thread from first to last, since its child after
/// clone3(2) goes on in Swift.
package enum ShimMain {
    /// Where the engine's end of a pair is, where there is an engine.
    private static let engineDescriptor: CInt = 3
    /// What the engine started this program from (ProtectedExecutable).
    private static let binaryDescriptor: CInt = 4
    /// - Returns: the process's exit status: 0 after a container's life, or where none was wanted; 1 where none began, or its cgroup could not be
    ///   removed.
    package static func run(configurationPath: FilePath) -> CInt {
        let complaint = becomeMonitor()
        let engine = takeEngineConnection()
        do throws(ShimFailure) {
            guard let namespaces = try engine.map(awaitBeginning) ?? [] else { return 0 }
            if let complaint { Complaint.write("\(complaint)") }
            let server = try ShimStart(configurationPath, namespaces).start()
            if let engine {
                engine.hasAsked = true
                engine.watchesExecs = true
                engine.tell(.started(server.started))
                server.clients.append(engine)
            }
            server.run()
            tidyUp(server.configuration)
            return server.leavesCgroup ? 1 : 0
        } catch {
            if let engine { engine.tell(.failed(error)) } else { Complaint.write("\(error)") }
            return 1
        }
    }

    /// Nothing that is sent to it ends the monitor but SIGKILL: signals are blocked, the one that it reads included.
    /// - Returns: what can't be had; there is no log yet.
    private static func becomeMonitor() -> KernelError? {
        umask(0)
        close(binaryDescriptor)
        // The kernel would call it "4", by the path that it was started from.
        _ = ctr_set_thread_name("ctr-swift-shim")
        _ = ctr_set_signal_mask(~0, nil)
        // EPERM: it was spawned as a session's leader.
        _ = setsid()
        do throws(KernelError) {
            // Before anything else is open, because the program starts over here. A container must never get at the host's binary.
            try ProtectedExecutable.ensure()
            try kernel("prctl(2)", "PR_SET_CHILD_SUBREAPER") { ctr_set_subreaper(1) }
            return nil
        } catch {
            // An older kernel: the runtime still refuses to run this binary in a container, and orphans go to the machine's init.
            return error
        }
    }

    private static func takeEngineConnection() -> ShimClient? {
        guard UnixSocket.isPacketSocket(engineDescriptor) else { return nil }
        _ = fcntl(engineDescriptor, F_SETFD, FD_CLOEXEC)
        return ShimClient(ShimConnection(OwnedFD(owning: engineDescriptor)))
    }

    /// The process is there before its container: what the start takes from the engine comes with the word to begin.
    /// - Returns: the namespaces to enter; nil where nothing is to begin: the container could not be made, or the engine has gone.
    private static func awaitBeginning(of engine: ShimClient) throws(ShimFailure) -> [CInt]? {
        do throws(KernelError) {
            guard var delivery = try engine.connection.receiveRequestWithDescriptors() else { return nil }
            guard delivery.message == .begin, let log = delivery.takeDescriptor(), let lock = delivery.takeDescriptor() else {
                throw KernelError(call: "recvmsg(2)", object: "\(delivery.message) in the place of begin", errno: .badMessage)
            }
            let raw = log.raw
            for stream: CInt in [1, 2] { try kernel("dup2(2)", "shim.log") { dup2(raw, stream) } }
            // The lock on shim.json is held until the end: it tells the next engine that there is a monitor.
            _ = lock.release()
            var namespaces: [CInt] = []
            while let namespace = delivery.takeDescriptor() { namespaces.append(namespace.release()) }
            return namespaces
        } catch {
            throw ShimFailure(step: "begin", reason: nil, kernel: error, exitCode: 125)
        }
    }

    /// What others look for is gone with the monitor; shim.json, exit.json and shim.log are the engine's to remove.
    private static func tidyUp(_ configuration: ShimConfiguration) {
        let state = FilePath(configuration.stateDirectory)
        do throws(KernelError) { try unlinkFile(state.appending(ShimStart.socketName)) } catch { Complaint.write("\(error)") }
        // The overlay was mounted here only in the container's own mount namespace.
        if rmdir(state.appending("rootfs").string) == -1, lastErrno() != .noSuchFileOrDirectory {
            Complaint.write("rmdir(2) \"\(configuration.stateDirectory)/rootfs\": \(lastErrno())")
        }
    }
}
