// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Foundation
import SystemPackage
import Testing

/// A directory that is gone with the test.
final class Scratch {
    let url: URL
    init() throws {
        url = URL(filePath: "/tmp/ctr-swift-client-\(UInt32.random(in: 0...UInt32.max))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }
    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> FilePath { FilePath(url.appending(path: name).path) }
    func write(_ text: String, _ name: String) throws { try Data(text.utf8).write(to: url.appending(path: name)) }
    func read(_ name: String) throws -> String { String(decoding: try Data(contentsOf: url.appending(path: name)), as: UTF8.self) }
    func names(_ below: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url.appending(path: below).path).sorted()
    }
    func attributes(_ name: String) throws -> stat {
        var status = stat()
        try #require(lstat(path(name).string, &status) == 0)
        return status
    }
}

@Suite struct CredentialsTests {
    private let scratch: Scratch
    private let file: CredentialsFile
    private let me = RegistryCredentials(username: "me", password: "pass:word é")

    init() throws {
        scratch = try Scratch()
        file = CredentialsFile(path: scratch.path("docker/config.json"))
    }

    private func prepare(_ text: String) throws {
        try FileManager.default.createDirectory(at: scratch.url.appending(path: "docker"), withIntermediateDirectories: true)
        try scratch.write(text, "docker/config.json")
    }

    @Test("what is stored is found again, in a file and a directory that are one's own alone")
    func stores() throws {
        #expect(try file.entry(for: "r:5000") == .none)
        #expect(try file.store(me, for: "r:5000") == nil)
        #expect(try file.entry(for: "r:5000") == .credentials(me))
        #expect(try file.entry(for: "r") == .none)
        #expect(try scratch.attributes("docker/config.json").st_mode & 0o7777 == 0o600)
        #expect(try scratch.attributes("docker").st_mode & 0o7777 == 0o700)
        #expect(try scratch.read("docker/config.json").contains(Data("me:pass:word é".utf8).base64EncodedString()))
    }

    @Test("the rest of the file is kept, in its order and to the last digit; a wide mode is narrowed; nothing else is left")
    func keepsTheRest() throws {
        try prepare(#"{"z":1.50,"auths":{"other":{"auth":"YTpi","email":"x"}},"HttpHeaders":{"a":"\u00e9"},"n":12345678901234567890123}"#)
        chmod(scratch.path("docker/config.json").string, 0o644)
        try file.store(me, for: "r")
        let text = try scratch.read("docker/config.json").filter { !$0.isWhitespace }
        #expect(text.hasPrefix(#"{"z":1.50,"auths":{"other":{"auth":"YTpi","email":"x"},"r":{"auth":""#))
        #expect(text.hasSuffix(#"}},"HttpHeaders":{"a":"é"},"n":12345678901234567890123}"#))
        #expect(try scratch.attributes("docker/config.json").st_mode & 0o7777 == 0o600)
        #expect(try scratch.names("docker") == ["config.json"])
    }

    @Test("a link to the file stays a link, and its target is replaced")
    func followsLinks() throws {
        try prepare("{}")
        try FileManager.default.moveItem(
            at: scratch.url.appending(path: "docker/config.json"), to: scratch.url.appending(path: "real.json"))
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path("docker/config.json").string, withDestinationPath: "../real.json")
        try file.store(me, for: "r")
        #expect(try scratch.attributes("docker/config.json").st_mode & S_IFMT == S_IFLNK)
        #expect(try scratch.read("real.json").contains("auths"))
        #expect(try scratch.names() == ["docker", "real.json"])
    }

    @Test("the file's owner stays its owner", .enabled("needs root: chown(2)") { geteuid() == 0 })
    func keepsOwner() throws {
        try prepare("{}")
        chown(scratch.path("docker/config.json").string, 12_345, 12_346)
        try file.store(me, for: "r")
        let status = try scratch.attributes("docker/config.json")
        #expect(status.st_uid == 12_345 && status.st_gid == 12_346 && status.st_mode & 0o7777 == 0o600)
    }

    @Test(
        "a registry is found under the names that Docker has given it",
        arguments: [
            ("docker.io", "https://index.docker.io/v1/"), ("docker.io", "index.docker.io"), ("docker.io", "docker.io"),
            ("r:5000", "r:5000"),
            ("r:5000", "https://r:5000"), ("r:5000", "http://r:5000/v1/"), ("r", "R"),
        ])
    func names(registry: String, key: String) throws {
        try prepare(#"{"auths":{"\#(key)":{"auth":"bWU6cHc="}}}"#)
        #expect(try file.entry(for: registry) == .credentials(RegistryCredentials(username: "me", password: "pw")))
        #expect(try file.remove(registry))
        #expect(try file.entry(for: registry) == .none)
        #expect(try file.remove(registry) == false)
    }

    @Test("another registry's credentials are never taken", arguments: ["quay.io/team", "r.evil", "evil/r", "r:5001", "https://r.evil/r"])
    func notOthers(key: String) throws {
        try prepare(#"{"auths":{"\#(key)":{"auth":"bWU6cHc="}}}"#)
        for registry in ["r", "quay.io", "r:5000"] { #expect(try file.entry(for: registry) == .none) }
    }

    @Test(
        "what is kept elsewhere is told, and stops no anonymous pull from other registries",
        arguments: [
            (#"{"credsStore":"desktop"}"#, "desktop"), (#"{"auths":{"r":{}},"credsStore":"pass"}"#, "pass"),
            (#"{"credHelpers":{"r":"ecr"}}"#, "ecr"),
            (#"{"auths":{"r":{"auth":"bWU6cHc=","identitytoken":"x"}}}"#, "identity token"),
        ])
    func helpers(text: String, word: String) throws {
        try prepare(text)
        guard case .elsewhere(let words) = try file.entry(for: "r") else {
            Issue.record("it should be elsewhere")
            return
        }
        #expect(words.contains(word))
    }

    @Test(
        "what is in the file goes before a helper that is not run, and storing says that Docker will not see it",
        arguments: [#""credsStore":"desktop""#, #""credHelpers":{"r":"desktop"}"#])
    func helperAndFile(helper: String) throws {
        try prepare(#"{"auths":{"r":{"auth":"bWU6cHc="}},\#(helper)}"#)
        #expect(try file.entry(for: "r") == .credentials(RegistryCredentials(username: "me", password: "pw")))
        #expect(try file.store(me, for: "r")?.contains("desktop") == true)
        #expect(try file.entry(for: "r") == .credentials(me))
    }

    @Test(
        "a file that can't be understood is refused by its name, and left as it is",
        arguments: [
            "{", "[]", "nonsense", #"{"auths":[]}"#, #"{"auths":{"r":{"auth":"%%%%"}}}"#, #"{"auths":{"r":{"auth":"bm9jb2xvbg=="}}}"#,
        ])
    func broken(text: String) throws {
        try prepare(text)
        let error = try #require(throws: UsageError.self) { try file.entry(for: "r") }
        #expect(error.message.contains("config.json"))
        if !text.contains("auth\"") { #expect(throws: UsageError.self) { try file.store(me, for: "r") } }
        if !text.contains("auth\"") { #expect(try scratch.read("docker/config.json") == text) }
    }

    @Test("an empty file is one without credentials")
    func empty() throws {
        try prepare("\n")
        #expect(try file.entry(for: "r") == .none)
        try file.store(me, for: "r")
        #expect(try file.entry(for: "r") == .credentials(me))
    }

    @Test("the file is $DOCKER_CONFIG's, else the home's, else nowhere")
    func place() {
        let place = { (variables: [String: String]) in CredentialsFile(variable: { variables[$0] })?.path.string }
        #expect(place(["DOCKER_CONFIG": "/d", "HOME": "/h"]) == "/d/config.json")
        #expect(place(["DOCKER_CONFIG": "", "HOME": "/h"]) == "/h/.docker/config.json")
        #expect(place([:]) == nil)
    }

    @Test(
        "a registry is taken as it is typed or copied",
        arguments: [
            ("r:5000", "r:5000"), ("https://R.example/", "r.example"), ("http://r:1/v2/", "r:1"), ("index.docker.io", "docker.io"),
            ("https://index.docker.io/v1/", "docker.io"), ("registry-1.docker.io", "docker.io"), ("docker.io", "docker.io"),
        ])
    func typed(text: String, registry: String) { #expect(CredentialsFile.registry(text) == registry) }

    @Test("base64 is what others write and read", arguments: 0..<9)
    func base64(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 97 &+ 251) }
        #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
        #expect(Base64.decode(Data(bytes).base64EncodedString()) == bytes)
    }

    @Test("what is no base64 is refused", arguments: ["a", "ab", "abc", "ab=c", "a===", "====", "ab\n=", "äöü=", "ab-_", "YQ==YQ=="])
    func noBase64(text: String) { #expect(Base64.decode(text) == nil) }
}
