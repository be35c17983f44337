// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// Namespaces of other containers, open: a shim will know each by its place among them.
struct SharedNamespaces: ~Copyable {
    private(set) var descriptors: [CInt] = []
    private var places: [String: Int] = [:]
    private var sharedMemory: Int?

    deinit { for descriptor in descriptors { close(descriptor) } }

    fileprivate mutating func add(_ kind: String, _ namespace: consuming OwnedFD) {
        places[kind] = descriptors.count
        descriptors.append(namespace.release())
    }

    fileprivate mutating func addSharedMemory(_ namespace: consuming OwnedFD) {
        sharedMemory = descriptors.count
        descriptors.append(namespace.release())
    }

    var plan: ShimConfiguration.SharedNamespaces? {
        descriptors.isEmpty ? nil : ShimConfiguration.SharedNamespaces(places: places, sharedMemory: sharedMemory)
    }
}

extension ContainerService {
    /// Opens the namespaces of other containers that this one asks for. Who they are is looked up now: at the next start it may be others.
    /// - Throws: `ContainerError.notFound`, `.wrongState` for one that does not run, `.invalidRequest` for what can't be shared.
    func sharedNamespaces(of container: Container) throws(ContainerError) -> SharedNamespaces {
        var shared = SharedNamespaces()
        let request = container.memo.request
        let isolation = request.isolation ?? IsolationRequest()
        let wanted = IsolationPlan.foreignNamespaces(isolation, request.network)
        guard !wanted.isEmpty else { return shared }
        /// Of the user namespace that owns what is shared: all must have the same.
        var owner: (namespace: NamespaceIdentity, name: String)?
        for (kind, name) in wanted {
            let other = try index.find(name)
            guard other.life.phase == .running, let started = other.started else {
                throw .wrongState(id: other.id.short, verb: "share the \(kind) namespace of", state: other.life.state)
            }
            if kind == "ipc", other.memo.request.isolation?.ipc == .private {
                throw .invalidRequest(
                    "container \(other.id.short) has an ipc namespace that is private", remedy: "make it with --ipc shareable")
            }
            let user = try open("user", of: other, started)
            let identity = try kernelStep("look at the user namespace of \(other.id.short)") { () throws(KernelError) in
                NamespaceIdentity(try user.status())
            }
            if let owner, owner.namespace != identity {
                throw .invalidRequest(
                    "containers \"\(owner.name)\" and \"\(name)\" have different ids: nobody can be in namespaces of both")
            }
            let isFirst = owner == nil
            owner = (identity, name)
            if isFirst, try identity != ownUserNamespace() {
                try checkForeignIDs(isolation, name)
                shared.add("user", user)
            }
            shared.add(kind, try open(kind == "network" ? "net" : kind, of: other, started))
            if kind == "network" { try copyNetworkFiles(from: other, to: container) }
            if kind == "ipc" { shared.addSharedMemory(try open("mnt", of: other, started)) }
        }
        return shared
    }

    /// Names and resolvers go with the network. The other may have changed its own; what of it can't be taken in whole is not taken.
    private func copyNetworkFiles(from other: Container, to container: Container) throws(ContainerError) {
        try kernelStep("take over the network files of \(other.id.short)") { () throws(KernelError) in
            for name in ["hosts", "resolv.conf"] {
                let bytes = try readFile(other.paths.networkFiles.appending(name), limit: 1 << 20)
                try replaceFile(container.paths.networkFiles.appending(name), with: bytes, mode: 0o644)
            }
        }
    }

    /// What goes by the node's root can't be had with another's ids.
    private func checkForeignIDs(_ isolation: IsolationRequest, _ name: String) throws(ContainerError) {
        let refused =
            isolation.privileged == true
            ? "a privileged container" : isolation.pid == .host || isolation.ipc == .host ? "the node's own namespaces" : nil
        guard let refused else { return }
        throw .invalidRequest(
            "\(refused), and a namespace of container \"\(name)\", which has ids of its own", remedy: "leave one of the two out")
    }

    /// First the descriptor, then the look at who has the number: where that is still the container's first process, the descriptor is its.
    private func open(_ kind: String, of other: Container, _ started: ShimStarted) throws(ContainerError) -> OwnedFD {
        do throws(KernelError) {
            let namespace = try openFile(FilePath("/proc/\(started.pid)/ns/\(kind)"), O_RDONLY)
            guard try ProcessStat(of: started.pid).startTicks == started.startTicks else {
                throw KernelError(call: "open(2)", object: "/proc/\(started.pid)", errno: .noSuchProcess)
            }
            return namespace
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .noSuchProcess {
            throw .wrongState(id: other.id.short, verb: "share the \(kind) namespace of", state: .stopped)
        } catch {
            throw .kernel("open the \(kind) namespace of \(other.id.short)", error)
        }
    }

    private func ownUserNamespace() throws(ContainerError) -> NamespaceIdentity {
        try kernelStep("look at the own user namespace") { () throws(KernelError) in
            NamespaceIdentity(try openFile("/proc/self/ns/user", O_RDONLY).status())
        }
    }
}

/// What tells one namespace from another. Source: namespaces(7).
private struct NamespaceIdentity: Equatable {
    let device: UInt64
    let inode: UInt64

    init(_ status: FileStatus) {
        device = status.device
        inode = status.inode
    }
}
