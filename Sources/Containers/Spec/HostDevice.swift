// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import CLinux
internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// A device node of the host that a container gets: a node of its own, with the same number, owner and mode.
struct HostDevice {
    let target: String
    private let status: FileStatus
    private let access: String

    /// - Throws: `ContainerError.invalidRequest` for what is no device.
    init(_ request: DeviceRequest) throws(ContainerError) {
        let target = request.target ?? request.source
        for path in [request.source, target] {
            guard path.hasPrefix("/"), !path.utf8.contains(0) else {
                throw .invalidRequest("device path \"\(path)\"", remedy: "use an absolute path")
            }
        }
        let normal = FilePath(target).lexicallyNormalized()
        guard normal.components.count > 1 else { throw .invalidRequest("device target \"\(target)\"", remedy: "use a path like /dev/name") }
        let access = request.access ?? "rwm"
        guard !access.isEmpty, access.allSatisfy({ "rwm".contains($0) }), Set(access).count == access.count else {
            throw .invalidRequest("access \"\(access)\" to device \(request.source)", remedy: "use letters of rwm")
        }
        let status: FileStatus
        do throws(KernelError) { status = try openFile(FilePath(request.source), CTR_O_PATH).status() } catch
            where error.errno == .noSuchFileOrDirectory
        {
            throw .invalidRequest("device \"\(request.source)\" does not exist on this node")
        } catch {
            throw .kernel("look at device \(request.source)", error)
        }
        self.init(target: normal.string, status, access: access)
        guard status.kind == .characterDevice || status.kind == .blockDevice else {
            throw .invalidRequest("\"\(request.source)\" is no device", remedy: "use -v for files and directories")
        }
    }

    private init(target: String, _ status: FileStatus, access: String) {
        self.target = target
        self.status = status
        self.access = access
    }

    /// Every device node of the host's /dev, but for terminals and what each container has of its own.
    static func all() throws(ContainerError) -> [HostDevice] {
        var found: [HostDevice] = []
        do throws(KernelError) {
            var pending: [FilePath] = ["/dev"]
            while let path = pending.popLast() {
                let directory = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                for entry in try directory.entries(of: path.string) {
                    // Not UTF-8: no path of a spec can name it.
                    guard let name = String(validating: entry.name, as: UTF8.self), let status = try directory.status(entry.name) else {
                        continue
                    }
                    let child = path.appending(name)
                    if own.contains(child.string) { continue }
                    switch status.kind {
                    case .directory: pending.append(child)
                    case .characterDevice, .blockDevice: found.append(HostDevice(target: child.string, status, access: "rwm"))
                    default: break
                    }
                }
            }
        } catch {
            throw .kernel("list the node's devices", error)
        }
        return found.sorted { $0.target < $1.target }
    }

    private static let own: Set<String> = [
        "/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/console", "/dev/tty", "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
        "/dev/urandom",
        "/dev/ptmx", "/dev/.lxc", "/dev/.lxd-mounts", "/dev/hugepages",
    ]

    private var type: String { status.kind == .blockDevice ? "b" : "c" }
    private var major: Int64 { Int64(ctr_major(status.special)) }
    private var minor: Int64 { Int64(ctr_minor(status.special)) }

    var node: RuntimeSpec.Linux.Device {
        RuntimeSpec.Linux.Device(
            type: type, path: target, major: major, minor: minor, fileMode: status.permissions, uid: status.uid, gid: status.gid)
    }

    var rule: RuntimeSpec.Linux.DeviceCgroup {
        RuntimeSpec.Linux.DeviceCgroup(allow: true, type: type, major: major, minor: minor, access: access)
    }
}
