// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// The label that the program gets by its exec: an AppArmor profile or a SELinux context. Source: runtime-spec config.md, "process".
struct SecurityLabel {
    private let file: FilePath
    private let text: String

    /// - Throws: for a label that the running kernel has no module for: a confinement that was asked for is not dropped.
    static func read(_ process: RuntimeSpec.Process) throws(LaunchError) -> SecurityLabel? {
        let (profile, context) = (process.apparmorProfile ?? "", process.selinuxLabel ?? "")
        if !profile.isEmpty {
            guard hasAppArmor else { throw .refused("process.apparmorProfile \"\(profile)\": this kernel runs without AppArmor") }
            let own: FilePath = "/proc/self/attr/apparmor/exec"
            let file = withCPath(own) { access($0, F_OK) } == 0 ? own : "/proc/self/attr/exec"
            return SecurityLabel(file: file, text: "exec " + (try SpecCheck.noNUL(profile, "process.apparmorProfile")))
        }
        guard !context.isEmpty else { return nil }
        guard hasSELinux else { throw .refused("process.selinuxLabel \"\(context)\": this kernel runs without SELinux") }
        return SecurityLabel(file: "/proc/self/attr/exec", text: try SpecCheck.noNUL(context, "process.selinuxLabel"))
    }

    static var hasAppArmor: Bool {
        guard let bytes = try? readFile("/sys/module/apparmor/parameters/enabled") else { return false }
        return bytes.first == UInt8(ascii: "Y")
    }

    static var hasSELinux: Bool { access("/sys/fs/selinux/enforce", F_OK) == 0 }

    /// Opened while the host's procfs is in reach: one that the container brings could be anything.
    func open() throws(KernelError) -> CInt { try openFile(file, O_WRONLY).release() }

    func write(to file: CInt) throws(KernelError) {
        try text.utf8Span.span.withUnsafeBytes { bytes throws(KernelError) in
            _ = try kernel("write(2)", "\(self.file) <- \(text)") { Glibc.write(file, bytes.baseAddress, bytes.count) }
        }
    }
}
