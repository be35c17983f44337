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

    static func refuseUnsupported(_ spec: RuntimeSpec) throws(LaunchError) {
        func refuse(_ asked: Bool, _ what: String) throws(LaunchError) {
            if asked { throw .refused("\(what) is not supported yet") }
        }
        let linux = spec.linux
        try refuse(!(linux?.uidMappings ?? []).isEmpty || !(linux?.gidMappings ?? []).isEmpty, "a user namespace")
        try refuse(!(linux?.timeOffsets ?? [:]).isEmpty, "linux.timeOffsets")
        try refuse(linux?.intelRdt != nil, "linux.intelRdt")
        try refuse(!(linux?.mountLabel ?? "").isEmpty, "linux.mountLabel")
        try refuse(!(spec.process?.selinuxLabel ?? "").isEmpty, "process.selinuxLabel")
        try refuse(!(spec.process?.apparmorProfile ?? "").isEmpty, "process.apparmorProfile")
        try refuse(spec.process?.ioPriority != nil, "process.ioPriority")
        try refuse(spec.process?.scheduler != nil, "process.scheduler")
        let hooks = spec.hooks
        let asked = [
            hooks?.prestart, hooks?.createRuntime, hooks?.createContainer, hooks?.startContainer, hooks?.poststart, hooks?.poststop,
        ]
        try refuse(asked.contains { !($0 ?? []).isEmpty }, "a hook")
    }
}
