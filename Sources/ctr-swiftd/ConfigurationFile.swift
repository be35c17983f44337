// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Linux
internal import SystemPackage
internal import TOMLKit

extension Settings {
    /// Takes what a TOML file says. A key that is not known is refused: it may be a limit, misspelt.
    /// - Parameter file: nil is `/etc/ctr-swift/config.toml`, which may be missing.
    mutating func read(file: String?) throws(StartError) {
        let path = FilePath(file ?? Self.defaultFile)
        let bytes: [UInt8]
        do throws(KernelError) {
            bytes = try readFile(path)
        } catch {
            if file == nil, error.errno == .noSuchFileOrDirectory { return }
            throw StartError("configuration: \(error)")
        }
        // The parser takes a C string: what comes after a NUL would be dropped.
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw StartError("\(path): not UTF-8, or it holds a NUL")
        }
        do {
            try take(TOMLTable(string: text), path)
        } catch let error as StartError {
            throw error
        } catch let error as TOMLParseError {
            throw StartError("\(path): line \(error.source.begin.line): \(error.description)")
        } catch {
            throw StartError("\(path): \(error)")
        }
    }

    private mutating func take(_ table: TOMLTable, _ path: FilePath) throws(StartError) {
        for key in table.keys {
            let entry = Entry(key: key, value: table[key], file: path)
            switch key {
            case "root": root = try entry.absolutePath()
            case "state": state = try entry.absolutePath()
            case "socket": socket = try entry.absolutePath()
            case "socket-group": socketGroup = try entry.text()
            case "log-level": logLevel = try Self.level(entry.text())
            case "cgroup-parent": cgroupParent = try entry.text()
            case "max-layers": maxLayers = Int(try entry.number(in: 1...500))
            case "reserve-bytes": reserveBytes = try entry.size()
            case "reserve-inodes": reserveInodes = try entry.number(in: 0...(.max))
            case "keep-blobs": keepBlobs = try entry.flag()
            case "gc-high": gcHigh = Int(try entry.number(in: 0...100))
            case "gc-low": gcLow = Int(try entry.number(in: 0...99))
            case "gc-min-age": gcMinAge = try entry.seconds()
            case "reconcile-interval": reconcileInterval = try entry.seconds()
            case "log-max-size": logMaxSize = try entry.size()
            case "log-max-file": logMaxFiles = Int(try entry.number(in: 1...1000))
            case "userns-range": usernsRange = try entry.ids()
            case "shim": shim = try entry.absolutePath()
            case "registries": try takeRegistries(entry)
            default: throw entry.problem("unknown key", remedy: "docs/configuration.md lists the keys")
            }
        }
    }

    /// `[registries."host:port"]` tables.
    private mutating func takeRegistries(_ entry: Entry) throws(StartError) {
        let registries = try entry.table()
        for host in registries.keys {
            let registry = try Entry(key: "registries.\"\(host)\"", value: registries[host], file: entry.file).table()
            for key in registry.keys {
                let entry = Entry(key: "registries.\"\(host)\".\(key)", value: registry[key], file: entry.file)
                switch key {
                case "plain-http": if try entry.flag() { plainHTTPRegistries.append(host) }
                case "ca-file": registryCertificates[host] = try entry.absolutePath()
                default: throw entry.problem("unknown key", remedy: "known here: plain-http, ca-file")
                }
            }
        }
    }
}

/// One key of the file and its value, read as what it has to be.
private struct Entry {
    let key: String
    let value: (any TOMLValueConvertible)?
    let file: FilePath

    func problem(_ what: String, remedy: String? = nil) -> StartError { StartError("\(file): \(key): \(what)", remedy: remedy) }

    func text() throws(StartError) -> String {
        guard let text = value?.string, !text.isEmpty else { throw problem("not a string, or an empty one") }
        return text
    }

    func absolutePath() throws(StartError) -> String {
        let path = try text()
        guard path.hasPrefix("/") else { throw problem("\"\(path)\" is not an absolute path") }
        return path
    }

    func flag() throws(StartError) -> Bool {
        guard let flag = value?.bool else { throw problem("neither true nor false") }
        return flag
    }

    func number(in range: ClosedRange<Int64>) throws(StartError) -> Int64 {
        guard let number = value?.int.map(Int64.init), range.contains(number) else {
            throw problem("not an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Bytes as an integer, or "256MiB".
    func size() throws(StartError) -> Int64 {
        guard let text = value?.string else { return try number(in: 0...(.max)) }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        let shifts = ["": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40]
        guard let count = Int64(digits), let shift = shifts[String(unit)], count <= Int64.max >> shift else {
            throw problem("\"\(text)\" is not a size", remedy: "write it like 256MiB, with KiB, MiB, GiB or TiB, or as a number of bytes")
        }
        return count << shift
    }

    /// "90s", "2m", "1h", "3d": whole seconds.
    func seconds() throws(StartError) -> Int64 {
        let text = try text()
        let scales: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let scale = text.last.flatMap({ scales[$0] }), let count = Int64(text.dropLast()), (0...Int64.max / 86_400).contains(count)
        else {
            throw problem("\"\(text)\" is not a duration", remedy: "write it like 90s, 2m, 1h or 3d")
        }
        return count * scale
    }

    /// "1879048192:268304384": first and number.
    func ids() throws(StartError) -> NodeIDs {
        let text = try text()
        let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        guard numbers.count == 2, let first = numbers[0], let size = numbers[1] else {
            throw problem("\"\(text)\" is no range of ids", remedy: "write it as FIRST:COUNT")
        }
        guard first >= NodeIDs.lowest, size >= NodeIDs.perContainer, UInt64(first) + UInt64(size) <= UInt64(UInt32.max) else {
            throw problem(
                "\(size) ids from \(first) on can't be given to containers",
                remedy: "use numbers from \(NodeIDs.lowest) to \(UInt32.max - 1), \(NodeIDs.perContainer) for each container")
        }
        return NodeIDs(first: first, size: size)
    }

    func table() throws(StartError) -> TOMLTable {
        guard let table = value?.table else { throw problem("not a table") }
        return table
    }
}
