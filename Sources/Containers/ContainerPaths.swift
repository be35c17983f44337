// SPDX-License-Identifier: Apache-2.0

internal import ShimProtocol
package import SystemPackage

/// Where one container's things are. See docs/architecture.md, "Paths".
package struct ContainerPaths: Sendable, Hashable {
    /// `<root>/containers/<id>`: survives a restart of the machine.
    package let directory: FilePath
    /// `<state>/containers/<id>`: a tmpfs; gone with the machine.
    package let state: FilePath

    package init(root: FilePath, state: FilePath, id: ContainerID) {
        directory = root.appending("containers").appending(id.text)
        self.state = state.appending("containers").appending(id.text)
    }

    package var bundle: FilePath { directory.appending("bundle") }
    package var spec: FilePath { bundle.appending("config.json") }
    /// hosts, hostname, resolv.conf: bind-mounted into the container.
    package var networkFiles: FilePath { directory.appending("etc") }
    package var log: FilePath { directory.appending("log") }
    package var shimConfiguration: FilePath { state.appending("shim.json") }
    package var socket: FilePath { state.appending("shim.sock") }
    package var exitRecord: FilePath { state.appending("exit.json") }
    package var shimLog: FilePath { state.appending("shim.log") }
    package var rootfs: FilePath { state.appending("rootfs") }
    /// A further process, for the shim to read.
    package func execProcess(_ id: String) -> FilePath { state.appending(ShimExec.processFile(id: id)) }
}
