// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOSSL
import TestSupport

/// A certificate authority for the length of a test, made by openssl.
struct Authority {
    private let directory: URL

    /// Its own certificate, as PEM.
    var file: String { directory.appending(path: "ca.pem").path }

    fileprivate init() throws {
        directory = URL(filePath: "/tmp/ctr-swift-authority-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=ctr-swift test authority", "-days", "1")
    }

    /// What a server with a certificate for the address, or for a name below .invalid, shows.
    /// - Parameter days: how long it holds; below 0 it has ended.
    func context(for name: String, days: Int = 1) throws -> NIOSSLContext {
        try Data("subjectAltName=\(name.hasSuffix(".invalid") ? "DNS" : "IP"):\(name)".utf8).write(to: directory.appending(path: "names"))
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem", "-out", "request.pem",
            "-subj", "/CN=\(name)")
        try openssl(
            "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "certificate.pem",
            "-extfile", "names", "-days", "\(days)")
        let certificate = try NIOSSLCertificate.fromPEMFile(directory.appending(path: "certificate.pem").path)
        let key = try NIOSSLPrivateKey(file: directory.appending(path: "key.pem").path, format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: certificate.map { .certificate($0) }, privateKey: .privateKey(key)))
    }

    fileprivate func remove() { try? FileManager.default.removeItem(at: directory) }

    private func openssl(_ arguments: String...) throws {
        let outcome = try command(["openssl"] + arguments, in: directory.path)
        if outcome.code != 0 { throw Failure("openssl \(arguments): \(outcome)") }
    }
}

func withAuthority<Value>(_ body: (Authority) async throws -> Value) async throws -> Value {
    let authority = try Authority()
    defer { authority.remove() }
    return try await body(authority)
}
