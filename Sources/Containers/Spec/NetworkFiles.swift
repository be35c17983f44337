// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Glibc
package import Linux
package import SystemPackage

/// /etc/hosts, /etc/hostname and /etc/resolv.conf of one container: files of its own, bind-mounted over the image's.
package enum NetworkFiles {
    package static let names = ["hosts", "hostname", "resolv.conf"]

    /// - Parameter directory: `<root>/containers/<id>/etc`, which exists and is empty.
    package static func write(into directory: FilePath, hostname: String, network: NetworkMode) throws(KernelError) {
        try write(hosts(hostname: hostname, network: network), to: directory.appending("hosts"))
        try write(Array("\(hostname)\n".utf8), to: directory.appending("hostname"))
        try write(resolvers(network: network), to: directory.appending("resolv.conf"))
    }

    /// What is the host's, with its network, is written anew: it may have changed since.
    package static func renew(in directory: FilePath) throws(KernelError) {
        for name in ["hosts", "resolv.conf"] {
            guard let own = try? readFile(FilePath("/etc").appending(name)) else { continue }
            try replaceFile(directory.appending(name), with: own, mode: 0o644)
        }
    }

    private static func hosts(hostname: String, network: NetworkMode) -> [UInt8] {
        if network == .host, let own = try? readFile("/etc/hosts") { return own }
        return Array("127.0.0.1\tlocalhost \(hostname)\n::1\tlocalhost ip6-localhost ip6-loopback\n".utf8)
    }

    /// Without a network there is nobody to ask: an empty file makes lookups fail at once, and not after a timeout.
    private static func resolvers(network: NetworkMode) -> [UInt8] {
        guard network == .host, let own = try? readFile("/etc/resolv.conf") else { return [] }
        return own
    }

    private static func write(_ bytes: [UInt8], to path: FilePath) throws(KernelError) {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        try bytes.span.withUnsafeBytes { buffer throws(KernelError) in try writeAll(file, buffer, object: path.string) }
    }
}
