// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import JSON
internal import Linux
internal import OCI
internal import Runtime
internal import SystemPackage

/// A further process, decided: the container's own, with what the request says in the place of its parts.
struct ExecSpec {
    let process: RuntimeSpec.Process

    /// What of `config.json` is looked at.
    private struct OwnProcess: Decodable { var process: RuntimeSpec.Process }

    /// - Parameter root: the container's, for names of users.
    /// - Throws: `ContainerError.invalidRequest` for what can't be honoured.
    init(_ request: ExecRequest, of container: Container, in root: borrowing LiveRoot) throws(ContainerError) {
        var process = try Self.ownProcess(container)
        process.args = try ProcessArguments.resolve(
            imageEntrypoint: nil, imageCommand: nil, entrypoint: [], arguments: request.command)
        process.terminal = request.tty
        process.consoleSize = request.terminalSize.map {
            RuntimeSpec.ConsoleSize(height: UInt($0.rows), width: UInt($0.columns))
        }
        if let directory = request.workingDirectory {
            guard directory.hasPrefix("/"), !directory.utf8.contains(0) else {
                throw .invalidRequest("working directory \"\(directory)\"", remedy: "use an absolute path in the container")
            }
            process.cwd = directory
        }
        var home: String?
        if let text = request.user {
            let user = try Self.user(text, root)
            process.user.uid = user.uid
            process.user.gid = user.gid
            process.user.additionalGids = user.groups
            if container.memo.homeIsDefault == true { home = user.home }
        }
        process.env = try ProcessEnvironment.extend(process.env ?? [], request: request.environment, tty: request.tty, home: home)
        if request.privileged {
            let all = CapabilitySets.available()
            process.capabilities = RuntimeSpec.Capabilities(bounding: all, effective: all, permitted: all)
        }
        self.process = process
    }

    private static func ownProcess(_ container: Container) throws(ContainerError) -> RuntimeSpec.Process {
        let bytes = try kernelStep("read config.json") { () throws(KernelError) in try readFile(container.paths.spec, limit: 16 << 20) }
        do throws(JSONError) { return try JSON.decode(OwnProcess.self, from: bytes).process } catch {
            throw .encoding("read config.json of \(container.id.short): \(error)")
        }
    }

    private static func user(_ text: String, _ root: borrowing LiveRoot) throws(ContainerError) -> ResolvedUser {
        let (passwd, group): ([UInt8], [UInt8])
        do throws(KernelError) {
            passwd = try root.read("etc/passwd", limit: 1 << 20)
            group = try root.read("etc/group", limit: 1 << 20)
        } catch  where error.errno == .fileTooLarge {
            throw .invalidRequest("user \"\(text)\": the container's /etc/passwd or /etc/group has more than 1 MiB")
        } catch {
            throw .kernel("look for user \"\(text)\"", error)
        }
        return try UserDatabase(passwd: passwd, group: group, owner: "container").resolve(text)
    }
}
