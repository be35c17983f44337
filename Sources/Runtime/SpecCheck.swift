// SPDX-License-Identifier: Apache-2.0

internal import OCI
internal import SystemPackage

/// Checks that several parts of a spec share. Nothing that a spec asks for is dropped: what can't be done is refused here, by name.
enum SpecCheck {
    /// A C string ends at a NUL, so a text with one would become another text.
    @discardableResult
    static func noNUL(_ text: String, _ member: String) throws(LaunchError) -> String {
        guard !text.utf8.contains(0) else { throw .refused("\(member) holds a NUL byte") }
        return text
    }

    /// A path in the container, as it is resolved beneath the root: without its slash in front.
    static func rootPath(_ text: String, _ member: String) throws(LaunchError) -> FilePath {
        let path = FilePath(try noNUL(text, member))
        guard path.isAbsolute else { throw .refused("\(member): \"\(text)\" is not an absolute path") }
        return FilePath(root: nil, path.lexicallyNormalized().components)
    }

    /// - Throws: for what this runtime does not do, whatever the kernel; what a kernel lacks is refused where it is used.
    static func refuseUnsupported(_ spec: RuntimeSpec) throws(LaunchError) {
        let version = spec.ociVersion.split(separator: ".", omittingEmptySubsequences: false)
        guard version.count >= 3, version[0] == "1", UInt(version[1]) != nil else {
            throw .refused("ociVersion \"\(spec.ociVersion)\" is not 1.x.y")
        }
        func refuse(_ asked: Bool, _ what: String) throws(LaunchError) {
            if asked { throw .refused("\(what) is not supported") }
        }
        try refuse(spec.linux?.intelRdt != nil, "linux.intelRdt (resource control by resctrl)")
        try refuse(spec.linux?.vtpms != nil, "linux.vtpms (virtual TPMs)")
        try refuse(spec.linux?.netDevices != nil, "linux.netDevices (of spec 1.3)")
        try refuse(spec.linux?.memoryPolicy != nil, "linux.memoryPolicy (of spec 1.3)")
        guard let label = spec.linux?.mountLabel, !label.isEmpty else { return }
        try noNUL(label, "linux.mountLabel")
        guard SecurityLabel.hasSELinux else { throw .refused("linux.mountLabel \"\(label)\": this kernel runs without SELinux") }
    }
}
