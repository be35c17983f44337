// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Client

/// What a container has written, for people. Every path is escaped by `table`.
func upperText(_ report: UpperReport, noTrunc: Bool) -> String {
    let copied = report.copiedUp
    let facts = [
        ("container", "\(noTrunc ? report.container : shortID(report.container)) \(report.name)"),
        ("upper", report.path),
        ("size", space(report.sizeInBytes, report.inodes)),
        ("growth", growth(report.growth)),
        ("holds", "\(counted(Int(report.files), "file")), \(directories(report.directories))"),
        (
            "copied up",
            "\(counted(copied.count, "file"))"
                + (copied.count > 0 ? ", \(byteCount(copied.sizeInBytes)); in the image \(byteCount(copied.lowerSizeInBytes))" : "")
        ),
        ("deleted", counted(report.whiteouts.count, "whiteout")),
        ("hiding all below", directories(Int64(report.opaqueDirectories.count))),
    ]
    let sections = [
        section(["SIZE", "LARGEST FILES"], report.largestFiles.map { [byteCount($0.sizeInBytes), $0.path] }),
        section(
            ["SIZE", "INODES", "FULLEST DIRECTORIES"],
            report.fullestDirectories.map { [byteCount($0.sizeInBytes), "\($0.inodes)", $0.path] }),
        section(
            ["SIZE", "IN THE IMAGE", "LAYER", "COPIED UP"],
            copied.largest.map { file in
                [
                    byteCount(file.sizeInBytes), byteCount(file.lowerSizeInBytes), noTrunc ? file.lower : shortID(file.lower), file.path,
                ]
            }),
        section(["WHITEOUTS"], report.whiteouts.first.map { [$0.path] }),
        section(["OPAQUE DIRECTORIES"], report.opaqueDirectories.first.map { [$0.path] }),
    ]
    return pairs(facts) + sections.joined()
}

private func growth(_ growth: UpperReport.Growth?) -> String {
    guard let growth else { return "measured for the first time" }
    func signed(_ number: Int64, _ text: String) -> String { number > 0 ? "+" + text : text }
    let inodes = growth.inodes.magnitude == 1 ? "inode" : "inodes"
    return signed(growth.sizeInBytes, byteCount(growth.sizeInBytes)) + ", " + signed(growth.inodes, "\(growth.inodes) \(inodes)")
        + " since \(age(growth.since))"
}

private func directories(_ count: Int64) -> String { count == 1 ? "1 directory" : "\(count) directories" }

private func section(_ header: [String], _ rows: [[String]]) -> String { rows.isEmpty ? "" : "\n" + table(header, rows) }
