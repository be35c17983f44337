// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import Runtime
internal import Synchronization
package import SystemPackage

/// The default seccomp profile, compiled once a daemon and kept as a file: libseccomp takes milliseconds, a load takes microseconds.
package final class SeccompCache: Sendable {
    private let directory: FilePath
    private let compiled = Mutex<String?>(nil)

    package init(directory: FilePath) { self.directory = directory }

    /// The program's path; compiled at the first call. Two callers may compile at once, each beside the other: the file is replaced whole.
    package func path() throws(ContainerError) -> String {
        if let path = compiled.withLock({ $0 }) { return path }
        let path = directory.appending("default.bpf")
        let program: SeccompProgram
        do throws(LaunchError) {
            program = try SeccompProgram(compiling: DefaultSeccomp.profile(capabilities: DefaultSpec.capabilities)).compacted()
        } catch {
            throw .encoding("compile the seccomp profile: \(error)")
        }
        let own = directory.appending("\(UInt64.random(in: 0 ... .max)).bpf")
        try kernelStep("keep the seccomp program") { () throws(KernelError) in
            do throws(KernelError) {
                try replaceFile(own, with: program.instructions)
                try renameFile(own, to: path)
            } catch {
                try? unlinkFile(own)
                throw error
            }
        }
        compiled.withLock { $0 = path.string }
        return path.string
    }
}
