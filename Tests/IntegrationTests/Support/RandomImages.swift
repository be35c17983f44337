// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Foundation
import OCI
import RegistryFixtures
import TestSupport

/// Small images that share layers in different orders: busybox, and marks that later layers add, replace and delete.
struct RandomImages: Sendable {
    private struct Made: Sendable {
        var name: String
        var layout: String
        var id: String
        var marks: [String: String]
    }

    let host: String
    private let made: [Made]

    var count: Int { made.count }

    init(in registry: Registry) throws {
        host = registry.host
        var base = MadeTar()
        base.add("bin/", kind: .directory, mode: 0o755)
        base.add("bin/busybox", Array(try Data(contentsOf: URL(filePath: "/bin/busybox"))), mode: 0o755)
        base.add("marks/", kind: .directory, mode: 0o755)
        var layers: [(tar: [UInt8], change: (inout [String: String]) -> Void)] = []
        for index in 0..<6 {
            var tar = MadeTar()
            // The directory is not listed by every layer: some stacks need a fix-up.
            if index % 2 == 0 { tar.add("marks/", kind: .directory, mode: 0o755) }
            let (own, shared) = ("of \(index)", "last was \(index)")
            tar.add("marks/\(index)", Array(own.utf8))
            tar.add("marks/last", Array(shared.utf8))
            if index == 5 { tar.add("marks/.wh.0") }
            layers.append(
                (
                    tar.bytes,
                    { marks in
                        if index == 5 { marks["0"] = nil }
                        marks["\(index)"] = own
                        marks["last"] = shared
                    }
                ))
        }
        let orders = [[0], [0, 1], [1, 0], [2, 1, 0], [0, 5], [5, 0], [3, 4, 5, 0], [0, 1, 2, 3, 4, 5], [4], [0, 5, 0]]
        made = try orders.enumerated().map { number, order in
            let image = MadeImage(layers: [base.bytes] + order.map { layers[$0].tar })
            var marks: [String: String] = [:]
            for index in order { layers[index].change(&marks) }
            let layout = registry.directory.path + "/layout-\(number)"
            try FileManager.default.createDirectory(atPath: layout, withIntermediateDirectories: true)
            try image.writeLayout(layout, name: "loaded/app\(number):1")
            let name = "test/app\(number)"
            let pushed = try command([
                "skopeo", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", "oci:\(layout)",
                "docker://\(registry.host)/\(name):1",
            ])
            guard pushed.code == 0 else { throw Failure("skopeo: \(pushed.errors)") }
            return Made(name: name, layout: layout, id: digest(of: image.config).description, marks: marks)
        }
    }

    func pulled(_ index: Int) -> String { "\(host)/\(made[index].name):1" }
    func loaded(_ index: Int) -> String { "loaded/app\(index):1" }
    func layout(_ index: Int) -> String { made[index].layout }
    func id(_ index: Int) -> String { made[index].id }

    /// "name=text" of each mark, sorted.
    func expected(_ id: String) -> String? {
        made.first { $0.id == id }?.marks.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
    }

    static let script = "cd /marks && for f in *; do echo \"$f=$(/bin/busybox cat $f)\"; done"

    func request(_ image: String, _ script: String = script) -> CreateContainerRequest {
        var request = CreateContainerRequest(image: image)
        request.entrypoint = ["/bin/busybox", "sh", "-c"]
        request.arguments = [script]
        request.log = .file
        return request
    }

    /// What a container of it shows; it is removed again.
    func show(_ image: String, _ client: APIClient) throws(ClientError) -> String {
        let made = try client.request(
            .post, ["v1", "containers"], query: [("start", "true")], body: request(image), as: CreateContainerResponse.self)
        _ = try client.request(.post, ["v1", "containers", made.id, "wait"], as: WaitResponse.self)
        var lines: [String] = []
        // An end is told before all that was written is in the log; who follows gets it all.
        try client.stream(.get, ["v1", "containers", made.id, "logs"], query: [("follow", "true")], of: LogRecord.self) {
            lines.append($0.text ?? "?")
        }
        try client.request(.delete, ["v1", "containers", made.id], query: [("force", "true")])
        return lines.joined(separator: "\n")
    }
}
