// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Linux
import SystemPackage
import Testing

@Suite struct RunFlagsTests {
    private func request(_ change: (inout RunFlags) -> Void = { _ in }) throws -> CreateContainerRequest {
        var flags = RunFlags(image: "img")
        change(&flags)
        return try flags.request(
            RunFlags.Surroundings(variable: { $0 == "HERE" ? Array("h".utf8) : nil }, workingDirectory: "/cwd") { path in
                path == "ok.env"
                    ? .success(Array("A=file\nB=file\n".utf8))
                    : .failure(KernelError(call: "open(2)", object: path, errno: .noSuchFileOrDirectory))
            })
    }

    @Test("without flags the request has the API's defaults, with a client at hand")
    func defaults() throws {
        var expected = CreateContainerRequest(image: "img")
        expected.attach = true
        #expect(try request() == expected)
    }

    @Test("every flag reaches its member")
    func members() throws {
        var expected = CreateContainerRequest(image: "img")
        expected.name = "n"
        expected.platform = "linux/arm64/v8"
        expected.entrypoint = ["/e"]
        expected.arguments = ["a", "--rm", ""]
        expected.environment = ["A=file", "B=file", "B=flag", "HERE=h"]
        expected.workingDirectory = "/w"
        expected.user = "u:g"
        expected.hostname = "h"
        expected.labels = ["k": "v=w", "empty": ""]
        expected.tty = true
        expected.openStdin = true
        expected.autoRemove = true
        expected.readOnlyRoot = true
        expected.network = .host
        expected.initProcess = true
        expected.mounts = [
            MountRequest(type: .bind, source: "/cwd/s", target: "/t", readOnly: true),
            MountRequest(type: .tmpfs, target: "/tmp", options: ["size=1m"]),
        ]
        expected.resources = ResourceRequest(memoryInBytes: 64 << 20, nanoCPUs: 500_000_000, pidsLimit: -1)
        expected.stopSignal = "INT"
        expected.stopTimeoutSeconds = -1
        expected.upper = .tmpfs
        expected.upperSizeInBytes = 3 << 29
        expected.upperInodes = 1000
        expected.log = .file
        let made = try request {
            $0.name = "n"
            $0.platform = "linux/arm64/v8"
            $0.entrypoint = "/e"
            $0.arguments = ["a", "--rm", ""]
            $0.environmentFiles = ["ok.env"]
            $0.environment = ["B=flag", "HERE", "NOT_HERE"]
            $0.workingDirectory = "/w"
            $0.user = "u:g"
            $0.hostname = "h"
            $0.labels = ["k=v=w", "empty"]
            $0.tty = true
            $0.interactive = true
            $0.remove = true
            $0.detached = true
            $0.readOnly = true
            $0.network = "host"
            $0.initProcess = true
            $0.volumes = ["./s:/t:ro"]
            $0.tmpfs = ["/tmp:size=1m"]
            $0.limits.memory = "64m"
            $0.limits.cpus = "0.5"
            $0.limits.pidsLimit = -1
            $0.stopSignal = "INT"
            $0.stopTimeout = -1
            $0.upper = "tmpfs"
            $0.upperSize = "1.5g"
            $0.upperInodes = 1000
        }
        #expect(made == expected)
    }

    @Test("an empty --entrypoint clears the image's, which is not the same as none given")
    func entrypoint() throws {
        #expect(try request { $0.entrypoint = "" }.entrypoint == [])
        #expect(try request().entrypoint == nil)
    }

    @Test(
        "a log is kept where somebody can ask for it",
        arguments: [
            (true, false, nil, .none), (false, false, nil, .file), (true, true, nil, .file), (true, false, "file", .file),
            (false, true, "none", .none),
        ] as [(Bool, Bool, String?, LogMode)])
    func log(remove: Bool, detached: Bool, chosen: String?, expected: LogMode) throws {
        let made = try request {
            $0.remove = remove
            $0.detached = detached
            $0.log = chosen
        }
        #expect(made.log == expected)
    }

    /// A flag that can't be honoured, and what its refusal names.
    struct Refused: Sendable {
        var named: String
        var change: @Sendable (inout RunFlags) -> Void
    }

    @Test(
        "what can't be honoured is refused with the flag's name",
        arguments: [
            Refused(named: "--network", change: { $0.network = "bridge" }), Refused(named: "--upper", change: { $0.upper = "fast" }),
            Refused(named: "--upper-size", change: { $0.upperSize = "big" }),
            Refused(named: "--log", change: { $0.log = "journald" }), Refused(named: "--memory", change: { $0.limits.memory = "lots" }),
            Refused(named: "--cpus", change: { $0.limits.cpus = "all" }), Refused(named: "--label", change: { $0.labels = ["=v"] }),
            Refused(named: "--env-file \"no.env\"", change: { $0.environmentFiles = ["no.env"] }),
            Refused(named: "--env \"=\"", change: { $0.environment = ["="] }),
            Refused(named: "--volume", change: { $0.volumes = ["data:/x"] }),
            Refused(named: "--tmpfs", change: { $0.tmpfs = ["x"] }), Refused(named: "image", change: { $0.image = "" }),
        ])
    func refused(case refused: Refused) throws {
        let error = try #require(throws: UsageError.self) { try request(refused.change) }
        #expect(error.message.contains(refused.named))
    }

    @Test("--userns takes three words, and Podman's for one of them", arguments: ["host", "auto", "keep", "keep-id"])
    func userNamespace(text: String) throws {
        let request = try request { $0.isolation.userNamespace = text }
        #expect(request.isolation?.userNamespace?.rawValue == (text == "keep-id" ? "keep" : text))
        for other in ["", "private", "auto:size=10", "AUTO"] {
            #expect(throws: UsageError.self) { try self.request { $0.isolation.userNamespace = other } }
        }
    }

    @Test(
        "a namespace is one's own, the node's or another container's, as far as its kind has that",
        arguments: [
            ("--pid", "private", true), ("--pid", "host", true), ("--pid", "container:x", true), ("--pid", "shareable", false),
            ("--ipc", "shareable", true), ("--ipc", "container:a1b2", true), ("--ipc", "none", false), ("--uts", "container:x", true),
            ("--uts", "container:", false), ("--uts", "", false), ("--cgroupns", "host", true), ("--cgroupns", "container:x", true),
            ("--cgroupns", "shareable", false),
        ])
    func namespaces(option: String, value: String, isKnown: Bool) throws {
        guard isKnown else {
            let error = #expect(throws: UsageError.self) { try self.request { $0.isolation.namespaces = [(option, value)] } }
            #expect(error?.message.contains(option) == true)
            return
        }
        let isolation = try request { $0.isolation.namespaces = [(option, value)] }.isolation
        let found = ["--pid": isolation?.pid, "--ipc": isolation?.ipc, "--uts": isolation?.uts, "--cgroupns": isolation?.cgroup][option]
        #expect(found??.rawValue == value)
    }

    @Test(
        "what leaves no doubt is understood without the parser, nothing else",
        arguments: [
            ("--rm i x", true), ("--rm --network none i true", true), ("-d --name=n -e A=1 -e B i", true), ("-it --rm i sh", true),
            ("i", true),
            ("i -d --rm --help", true), ("-v /a:/b -l x --memory 1g --cpus 2 --pids-limit 5 i", true), ("", false), ("--rm", false),
            ("--name", false), ("--name -d i", false), ("--name= i", false), ("--name a --name b i", false), ("-e=1 i", false),
            ("-eA i", false),
            ("-w /w i", false), ("--rm=1 i", false), ("--pull never i", false), ("--help", false), ("-x i", false), ("-itx i", false),
            ("- i", false),
            ("-- i", false), ("i -- x", false), ("--pids-limit many i", false), ("--socket /s i", false),
        ])
    func plain(line: String, isUnderstood: Bool) {
        #expect((RunFlags(plain: line.split(separator: " ").map(String.init)[...]) != nil) == isUnderstood)
    }
}
