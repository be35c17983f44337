// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Foundation
import JSON
import Testing

/// What the program prints, and how it takes readers and arguments that are not as they should be.
@Suite(.withProgram) struct ProgramOutputTests {
    private let hostile = answer(
        #"""
        [{"id":"0123456789abcdef","name":"\u001b]0;x\u0007\u009b2J\u202e","image":"i\n","imageDigest":"d","command":["a","\u001b[H"],"state":"running",
        "createdAt":"2020-01-01T00:00:00Z","labels":{"\u001b":"\u007f"}}]
        """#)

    @Test(
        "no control character of a container's reaches the terminal",
        arguments: [
            [], ["--no-trunc"], ["--json"], ["--format", "{{.name}}{{.labels}}{{join .command \" \"}}{{.image}}"], ["--format", "json"],
        ])
    func escapes(flags: [String]) throws {
        let outcome = try Program.run(["ps"] + flags, daemon: [.init(hostile)])
        #expect(outcome.status == 0 && !outcome.output.isEmpty)
        for scalar in outcome.output.unicodeScalars where scalar != "\n" {
            #expect(![.control, .format].contains(scalar.properties.generalCategory))
        }
        if flags == ["--json"] {
            let rows = try JSON.decode([ContainerSummary].self, from: Array(outcome.output.utf8))
            #expect(rows[0].name == "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}")
        }
    }

    @Test("a reader that has gone ends it without a word, whether SIGPIPE is ignored or not", arguments: ["", "trap '' PIPE; "])
    func brokenPipe(prefix: String) throws {
        // The reader is gone for certain: the daemon is asked only after `true` has ended.
        let line = prefix + #"exec 3> >(true); wait $!; "$0" ps >&3"#
        let outcome = try Program.shell(line, daemon: [.init(hostile)])
        #expect(outcome.status == 141 && outcome.errors == "")
    }

    @Test("a full disk is told")
    func fullDisk() throws {
        let outcome = try Program.shell(#""$0" ps > /dev/full"#, daemon: [.init(hostile)])
        #expect(outcome.status == 1 && outcome.errors.contains("No space left"))
    }

    @Test("a closed stream is not taken by the daemon's socket", arguments: [">&-", "<&- >&-", "2>&- >&-", "<&- >&- 2>&-"])
    func closedStreams(closed: String) throws {
        let outcome = try Program.shell(#""$0" ps -a "# + closed, daemon: [.init(hostile)])
        #expect(outcome.status == 1)
        #expect(outcome.requests.count == 1 && outcome.requests[0].hasSuffix("\r\n\r\n"), "nothing was said to the daemon but the request")
    }

    @Test("an argument that is not UTF-8 is refused instead of being changed")
    func notText() throws {
        let outcome = try Program.shell(#""$0" run -e "$(printf 'A=\377')" i"#)
        #expect(outcome.status == 125 && outcome.errors.contains("UTF-8"))
    }

    @Test("--socket is taken before and behind the command, and goes before the environment")
    func socket() throws {
        for line in [
            #"s=$CTR_SWIFT_SOCKET; CTR_SWIFT_SOCKET=/nowhere "$0" --socket "$s" ps"#,
            #"s=$CTR_SWIFT_SOCKET; CTR_SWIFT_SOCKET=/nowhere "$0" --socket="$s" ps"#,
            #"s=$CTR_SWIFT_SOCKET; CTR_SWIFT_SOCKET=/nowhere "$0" ps --socket "unix://$s""#,
        ] { #expect(try Program.shell(line, daemon: [.init(answer("[]"))]).status == 0) }
    }

    @Test("a log's records go to the streams they came from, byte for byte")
    func logs() throws {
        let records = """
            {"time":"2026-01-01T00:00:00Z","stream":"stdout","text":"one ","partial":true}
            {"time":"2026-01-01T00:00:01Z","stream":"stdout","text":"line"}
            {"time":"2026-01-01T00:00:02Z","stream":"stderr","base64":"G1szMW0="}
            """
        let outcome = try Program.run("logs", "-n", "3", "c", daemon: [.init(answer(records))])
        #expect(outcome.output == "one line\n" && outcome.errors == "\u{1b}[31m\n")
        #expect(outcome.asked == ["GET /v1/containers/c/logs?tail=3"])
    }

    @Test("the client's version is shown without a daemon")
    func version() throws {
        let outcome = try Program.run("version")
        #expect(outcome.status == 1 && outcome.output == "client  \(clientVersion)\n" && outcome.errors.contains("can't reach the daemon"))
    }

    @Test("login stores what the registry has accepted, and nothing else; a pull sends it to that registry alone")
    func login() throws {
        let home = try Scratch()
        let environment = ["HOME": home.url.path]
        let login = ["login", "-u", "me", "--password-stdin", "https://R.example:5000/v2/"]
        let refused = try Program.run(
            login, daemon: [.init(refusal("403 Forbidden", "registry-unauthorized", detail: "no"))], environment: environment,
            input: "bad\n")
        #expect(refused.status == 1)
        #expect(try home.names() == [])
        let accepted = try Program.run(
            login, daemon: [.init("HTTP/1.1 204 No Content\r\n\r\n")], environment: environment, input: " secret \r\n")
        #expect(accepted.status == 0 && !accepted.output.contains("secret") && !accepted.errors.contains("secret"))
        let credentials = RegistryCredentials(username: "me", password: " secret ")
        #expect(
            try JSON.decode(RegistryCheckRequest.self, from: accepted.body(0))
                == RegistryCheckRequest(registry: "r.example:5000", credentials: credentials))
        for (image, expected) in [("r.example:5000/i", credentials), ("r.example/i", nil), ("i", nil)] {
            let pulled = try Program.run("pull", image, daemon: [.init(answer("{\"event\":\"failed\"}"))], environment: environment)
            #expect(try JSON.decode(PullRequest.self, from: pulled.body(0)).credentials == expected)
        }
        #expect(try Program.run("logout", "r.example:5000", environment: environment).status == 0)
        #expect(try !home.read(".docker/config.json").contains("r.example"))
    }

    @Test("where only a credential helper knows, a pull goes on without, and says so only where it was refused")
    func helper() throws {
        let home = try Scratch()
        try home.write(#"{"credsStore":"desktop"}"#, "config.json")
        let environment = ["DOCKER_CONFIG": home.url.path]
        let denied = try Program.run(
            "pull", "r.example/i", daemon: [.init(refusal("403 Forbidden", "registry-unauthorized", detail: "denied", remedy: "other"))],
            environment: environment)
        #expect(denied.status == 1 && denied.errors.contains("desktop") && denied.errors.contains("ctr-swift login r.example"))
        let absent = try Program.run(
            "pull", "r.example/i", daemon: [.init(refusal("404 Not Found", "manifest-unknown", detail: "none"))], environment: environment)
        #expect(absent.errors == "ctr-swift: none\n")
    }

    @Test(
        "a member that there is not is the command line's error wherever it shows, with what there is",
        arguments: [
            (["ps"], "[{ROW}]"), (["stats"], #"{"time":"t","containers":[{STATS}]}"#),
            (["stats", "--no-stream"], #"{"time":"t","containers":[{STATS}]}"#),
            (["events"], #"{"time":"t","type":"container","action":"start","id":"i","attributes":{}}"#),
        ])
    func badMember(arguments: [String], text: String) throws {
        let row = #"{"id":"i","name":"n","image":"i","imageDigest":"d","command":[],"state":"running","createdAt":"t","labels":{}}"#
        let stats = #"{"id":"i","name":"n","state":"running"}"#
        let body = text.replacing("{ROW}", with: row).replacing("{STATS}", with: stats)
        let outcome = try Program.run(arguments + ["--format", "{{.bad}}"], daemon: [.init(answer(body))])
        #expect(outcome.status == 64 && outcome.output == "")
        #expect(outcome.errors.hasPrefix("ctr-swift: --format: no member \"bad\"\n  there are "), "\(outcome.errors)")
    }

    @Test(
        "stop says that it killed only what was killed", arguments: [(9, "was killed"), (nil, "has ended by itself")] as [(Int?, String)])
    func unheard(signal: Int?, words: String) throws {
        let signal = signal.map { #","signal":\#($0)"# } ?? ""
        let record = #"{"exitCode":0\#(signal),"outOfMemory":false,"startedAt":"a","finishedAt":"b"}"#
        let body = #"{"exit":\#(record),"unheard":{"signal":15,"reason":"ignored","message":"PID 1 ignores SIGTERM"}}"#
        let outcome = try Program.run("stop", "--wait-full", "c", daemon: [.init(answer(body))])
        #expect(outcome.status == 0 && outcome.output == "c\n")
        #expect(outcome.errors == "ctr-swift: warning: c: PID 1 ignores SIGTERM: it \(words)\n")
    }

    @Test("what a container has written is shown with whole ids where that is asked for") func wholeIDs() throws {
        let (container, layer) = (String(repeating: "ab", count: 32), "sha256:" + String(repeating: "cd", count: 32))
        let file = #"{"path":"/x","sizeInBytes":1,"lowerSizeInBytes":1,"lower":"\#(layer)"}"#
        let none = #"{"count":0,"first":[]}"#
        let body =
            #"{"container":"\#(container)","name":"n","path":"/u","measuredAt":"t","sizeInBytes":1,"inodes":1,"files":1,"directories":1,"#
            + #""largestFiles":[],"fullestDirectories":[],"copiedUp":{"count":1,"sizeInBytes":1,"lowerSizeInBytes":1,"largest":[\#(file)]},"#
            + #""whiteouts":\#(none),"opaqueDirectories":\#(none)}"#
        let short = try Program.run("snapshot", "usage", "c", daemon: [.init(answer(body))])
        #expect(short.status == 0 && !short.output.contains(container) && !short.output.contains(layer), "\(short.errors)")
        let whole = try Program.run("snapshot", "usage", "--no-trunc", "c", daemon: [.init(answer(body))])
        #expect(whole.output.contains(container) && whole.output.contains(layer))
    }

    @Test("export tells as JSON what it has written") func exported() throws {
        let home = try Scratch()
        let file = home.url.path + "/root.tar"
        let outcome = try Program.run(
            "export", "-o", file, "--json", "c", daemon: [.init(answer("tar", type: "application/x-tar"))])
        #expect(outcome.status == 0 && outcome.output == #"{"container":"c","file":"\#(file)","sizeInBytes":3}"# + "\n")
    }

    @Test("export writes aside under a name of its own, and leaves nothing of a refusal") func exportedAside() throws {
        let home = try Scratch()
        try home.write("mine", "root.tar.part")
        let file = home.url.path + "/root.tar"
        let no = try Program.run("export", "-o", file, "c", daemon: [.init(refusal("404 Not Found", "container-not-found"))])
        #expect(no.status == 1)
        #expect(try home.names() == ["root.tar.part"])
        let done = try Program.run("export", "-o", file, "c", daemon: [.init(answer("tar", type: "application/x-tar"))])
        #expect(done.status == 0)
        #expect(try home.names() == ["root.tar", "root.tar.part"])
        #expect(try home.read("root.tar") == "tar" && home.read("root.tar.part") == "mine")
    }

    @Test("completion scripts are made for three shells", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let outcome = try Program.run("--generate-completion-script", shell)
        #expect(outcome.status == 0 && outcome.output.contains("ctr-swift ps -a --format"))
    }
}
