// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import CLinux
internal import Linux
package import OCI
internal import Runtime
package import Snapshots
package import SystemPackage

/// The request's binds and tmpfs, and the files that every container gets, as OCI mounts in the order they are made.
package enum MountPlan {
    /// Where `--init` finds the static shim, which is PID 1 then.
    package static let initPath = DefaultSpec.initPath

    package static func initMount(shim: FilePath) -> RuntimeSpec.Mount {
        RuntimeSpec.Mount(destination: initPath, type: "bind", source: shim.string, options: ["bind", "ro", "nosuid", "nodev"])
    }

    /// Shallow targets first, so that a mount never hides one that was asked for below it.
    package static func mounts(
        request: CreateContainerRequest, networkFiles: FilePath, identities: ContainerIdentities? = nil, stacks: [String: LayerStack] = [:]
    ) throws(ContainerError) -> [RuntimeSpec.Mount] {
        var mounts = NetworkFiles.names.map { name in
            RuntimeSpec.Mount(
                destination: "/etc/\(name)", type: "bind", source: networkFiles.appending(name).string,
                options: ["bind", "rprivate"] + (identities == nil ? [] : ["idmap"]))
        }
        // Paths, which are equal where their bytes are.
        var targets: Set<FilePath> = []
        for mount in request.mounts {
            let made = try convert(mount, identities, stacks)
            let target = FilePath(made.destination)
            guard targets.insert(target).inserted else {
                throw .invalidRequest("two mounts at \"\(made.destination)\"", remedy: "give each mount a target of its own")
            }
            mounts.removeAll { FilePath($0.destination) == target }
            mounts.append(made)
        }
        return mounts.enumerated().sorted { (depth($0.element), $0.offset) < (depth($1.element), $1.offset) }.map(\.element)
    }

    /// A mount takes the place of the default with the same target, and comes before the defaults below it, which it would hide else:
    /// a bound /sys does not bring the host's cgroups along.
    package static func merge(_ mounts: [RuntimeSpec.Mount], into defaults: [RuntimeSpec.Mount]) -> [RuntimeSpec.Mount] {
        var merged = defaults
        for mount in mounts {
            let target = FilePath(mount.destination)
            let place = merged.firstIndex { FilePath($0.destination).starts(with: target) }
            merged.removeAll { FilePath($0.destination) == target }
            merged.insert(mount, at: place ?? merged.endIndex)
        }
        return merged
    }

    private static func depth(_ mount: RuntimeSpec.Mount) -> Int { FilePath(mount.destination).components.count }

    private static func convert(
        _ mount: MountRequest, _ identities: ContainerIdentities?, _ stacks: [String: LayerStack]
    ) throws(ContainerError) -> RuntimeSpec.Mount {
        let target = FilePath(mount.target).lexicallyNormalized()
        guard mount.target.hasPrefix("/"), target != "/", !mount.target.utf8.contains(0) else {
            throw .invalidRequest("mount target \"\(mount.target)\"", remedy: "use an absolute path in the container, not the root itself")
        }
        for option in mount.options where option.utf8.contains(0) || option.utf8.contains(UInt8(ascii: ",")) {
            throw .invalidRequest("mount option \"\(option)\" for \(mount.target)")
        }
        guard mount.subpath == nil || mount.type == .image else {
            throw .invalidRequest(
                "a subpath of the \(mount.type.rawValue) mount at \(mount.target)", remedy: "only images are mounted in part")
        }
        return switch mount.type {
        case .bind: try bind(mount, target, identities)
        case .tmpfs: try tmpfs(mount, target)
        case .image: try image(mount, target, stacks)
        }
    }

    private static func bind(
        _ mount: MountRequest, _ target: FilePath, _ identities: ContainerIdentities?
    ) throws(ContainerError) -> RuntimeSpec.Mount {
        guard let source = mount.source, source.hasPrefix("/"), !source.utf8.contains(0) else {
            throw .invalidRequest("bind source \"\(mount.source ?? "")\" for \(mount.target)", remedy: "use an absolute path of the host")
        }
        do throws(KernelError) { _ = try openFile(FilePath(source), CTR_O_PATH) } catch  where error.errno == .noSuchFileOrDirectory {
            throw .invalidRequest(
                "bind source \"\(source)\" does not exist", remedy: "create it first: nothing is made on the host by a typing error")
        } catch {
            throw .kernel("look at the bind source", error)
        }
        let known: Set<String> = [
            "rprivate", "private", "rslave", "slave", "rshared", "shared", "nosuid", "nodev", "noexec", "suid", "dev", "exec", "bind",
            "rbind",
            "noatime", "relatime", "idmap", "noidmap",
        ]
        try check(mount, known: { known.contains($0) })
        var options = mount.options
        if !options.contains("bind") && !options.contains("rbind") { options.append("rbind") }
        if !options.contains(where: { ["rprivate", "private", "rslave", "slave", "rshared", "shared"].contains($0) }) {
            options.append("rprivate")
        }
        options.append(mount.readOnly ? "ro" : "rw")
        options.removeAll { $0 == "idmap" || $0 == "noidmap" }
        if try mapsOwners(of: mount, identities) { options.append(options.contains("rbind") ? "ridmap" : "idmap") }
        return RuntimeSpec.Mount(destination: target.string, type: "bind", source: source, options: options)
    }

    /// Whether mounts made in the container are to be seen on the host, below a bind that asks for that: then the container's tree can't be cut off.
    static func sharesMounts(_ mounts: [MountRequest], _ identities: ContainerIdentities?) throws(ContainerError) -> Bool {
        let sharing = mounts.filter { $0.type == .bind && $0.options.contains(where: ["shared", "rshared"].contains) }
        guard let first = sharing.first else { return false }
        guard identities == nil else {
            throw .invalidRequest(
                "shared propagation of \(first.target) in a container with ids of its own: the kernel keeps its mounts from the node",
                remedy: "use rslave, or the node's ids")
        }
        for mount in sharing { try checkIsShared(FilePath(mount.source ?? "")) }
        return true
    }

    /// A peer of a mount that is private would have nobody to share with. Source: mount_namespaces(7).
    private static func checkIsShared(_ source: FilePath) throws(ContainerError) {
        let mount: MountInfo?
        do throws(KernelError) {
            let object = try openFile(source, CTR_O_PATH)
            mount = try MountInfo.holding(object)
        } catch {
            throw .kernel("look at the bind source", error)
        }
        guard let mount, !mount.propagation.contains(where: { $0.hasPrefix("shared:") }) else { return }
        throw .invalidRequest(
            "shared propagation of \(source): the node's mount \(mount.mountPoint), which holds it, is not shared",
            remedy: "mount --make-shared \(mount.mountPoint)")
    }

    /// Whether the files that the disk says are 0's are those of the container's root. Where the caller is the same in the container, his files are
    /// his without that.
    private static func mapsOwners(of mount: MountRequest, _ identities: ContainerIdentities?) throws(ContainerError) -> Bool {
        let (wanted, unwanted) = (mount.options.contains("idmap"), mount.options.contains("noidmap"))
        guard !wanted || !unwanted else { throw .invalidRequest("idmap and noidmap for the mount at \(mount.target)") }
        guard let identities else {
            guard !wanted else {
                throw .invalidRequest(
                    "idmap for the mount at \(mount.target) of a container with the node's own ids", remedy: "use --userns auto or keep")
            }
            return false
        }
        return wanted || !unwanted && identities.caller == nil
    }

    /// Its layers without an upper, in the form in which any runtime can mount them; a part of it by libmount's word.
    private static func image(
        _ mount: MountRequest, _ target: FilePath, _ stacks: [String: LayerStack]
    ) throws(ContainerError) -> RuntimeSpec.Mount {
        guard let source = mount.source, let stack = stacks[source] else {
            throw .invalidRequest("the mount at \(mount.target) names no image", remedy: "give it a source")
        }
        try check(mount) { ["noexec", "nosuid", "nodev"].contains($0) }
        guard !stack.layerIDs.isEmpty else {
            throw .invalidRequest("image \"\(source)\" for the mount at \(mount.target) has no layers")
        }
        var lowerdirs = stack.lowerdirs.map { stack.store.appending($0.components) }
        // overlayfs wants two where there is no upper.
        if lowerdirs.count == 1 { lowerdirs.append(stack.emptyLowerdir) }
        var options = ["ro", "nosuid", "nodev"] + (mount.options.contains("noexec") ? ["noexec"] : [])
        options.append("lowerdir=" + lowerdirs.map(\.overlayText).joined(separator: ":"))
        if let subpath = mount.subpath { options.append("\(LayersMount.subdirectoryOption)=\(try checked(subpath, mount))") }
        return RuntimeSpec.Mount(destination: target.string, type: "overlay", source: "overlay", options: options)
    }

    private static func checked(_ subpath: String, _ mount: MountRequest) throws(ContainerError) -> String {
        let path = FilePath(subpath)
        guard !subpath.utf8.contains(0), !path.isEmpty, path.isRelative, !path.components.contains(where: { $0.kind != .regular }) else {
            throw .invalidRequest(
                "subpath \"\(subpath)\" for the mount at \(mount.target)", remedy: "use a path below the image's root: usr/share")
        }
        return subpath
    }

    private static func tmpfs(_ mount: MountRequest, _ target: FilePath) throws(ContainerError) -> RuntimeSpec.Mount {
        guard mount.source == nil else { throw .invalidRequest("a tmpfs at \(mount.target) has no source") }
        let flags: Set<String> = ["nosuid", "nodev", "noexec", "suid", "dev", "exec", "noatime", "rw", "ro"]
        let keys: Set<Substring> = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks"]
        try check(mount) { option in
            flags.contains(option) || (option.contains("=") && keys.contains(option.prefix { $0 != "=" }))
        }
        var options = mount.options
        for (flag, opposite) in [("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec")]
        where !options.contains(opposite) && !options.contains(flag) {
            options.append(flag)
        }
        if mount.readOnly { options.append("ro") }
        return RuntimeSpec.Mount(destination: target.string, type: "tmpfs", source: "tmpfs", options: options)
    }

    private static func check(_ mount: MountRequest, known: (String) -> Bool) throws(ContainerError) {
        for option in mount.options where !known(option) {
            throw .invalidRequest("mount option \"\(option)\" is not known for a \(mount.type.rawValue) mount at \(mount.target)")
        }
    }
}

extension ContainerDetail.Mount {
    /// An image by the name that the request has for it.
    init(_ mount: RuntimeSpec.Mount, _ request: CreateContainerRequest) {
        let asked = request.mounts.first { $0.type == .image && FilePath($0.target).lexicallyNormalized().string == mount.destination }
        self.init(
            type: asked?.type.rawValue ?? mount.type ?? "bind", source: asked?.source ?? mount.source ?? "", target: mount.destination,
            options: mount.options ?? [])
    }
}
