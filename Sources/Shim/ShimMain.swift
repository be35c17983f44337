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
    /// The lock on shim.json, held until the end: it tells the next engine that there is a monitor.
    private static let lockDescriptor: CInt = 5

    /// - Returns: the process's exit status: 0 after a container's life, 1 where none began, or its cgroup could not be removed.
    package static func run(configurationPath: FilePath) -> CInt {
        let begin = Moment.now
        becomeMonitor()
        // None where there is no engine.
        _ = fcntl(lockDescriptor, F_SETFD, FD_CLOEXEC)
        let engine = takeEngineConnection()
        do throws(ShimFailure) {
            let server = try ShimStart(configurationPath, begin).start()
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
    private static func becomeMonitor() {
        umask(0)
        close(binaryDescriptor)
        _ = ctr_set_signal_mask(~0, nil)
        // EPERM: it was spawned as a session's leader.
        _ = setsid()
        do throws(KernelError) {
            // Before anything else is open, because the program starts over here. A container must never get at the host's binary.
            try ProtectedExecutable.ensure()
            try kernel("prctl(2)", "PR_SET_CHILD_SUBREAPER") { ctr_set_subreaper(1) }
        } catch {
            // An older kernel: the runtime still refuses to run this binary in a container, and orphans go to the machine's init.
            Complaint.write("\(error)")
        }
    }

    private static func takeEngineConnection() -> ShimClient? {
        guard UnixSocket.isPacketSocket(engineDescriptor) else { return nil }
        _ = fcntl(engineDescriptor, F_SETFD, FD_CLOEXEC)
        return ShimClient(ShimConnection(OwnedFD(owning: engineDescriptor)))
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
