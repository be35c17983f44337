// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import ContentStore
internal import Glibc
internal import Layers
internal import Linux
internal import Logging
package import Metadata
internal import OCI
internal import Snapshots
internal import Synchronization
internal import SystemPackage

extension ImageService {
    /// Compares what is stored with what was recorded: `fsck`. Pulls go on, containers run, and nothing is changed but marks of damage.
    /// - Parameter tell: called on a thread of its own.
    /// - Throws: `ImageError` where a target is not found, or the check can't be made; `.cancelled`.
    package func check(_ request: CheckRequest, tell: @escaping @Sendable (CheckEvent) -> Void) async throws(ImageError) -> CheckSummary {
        let cancelled = CancelFlag()
        do {
            return try await withTaskCancellationHandler {
                try await onThread {
                    // Others first. Where the scheduler knows no classes this says nothing, and does no harm.
                    _ = setIdleIO()
                    var run = StoreCheckRun(service: self, full: request.full ?? false, cancelled: cancelled, tell: tell)
                    return try run.run(request.targets ?? [])
                }
            } onCancel: {
                cancelled.set()
            }
        } catch {
            throw ImageError(error)
        }
    }

    /// After a crash of the machine: the layers that it may have touched, quickly. What is damaged is marked and logged.
    /// - Parameter bootID: noted when it has come to its end.
    package func checkUnsettled(bootID: String) async {
        let logger = logger
        do {
            let layers = try metadata.unsettledLayers()
            logger.notice("the machine went down: checking the layers that were stored last", metadata: ["layers": "\(layers.count)"])
            let summary = try await checkLayers(layers) { event in
                guard let finding = event.finding else { return }
                logger.error(
                    "damaged: expected \(finding.expected), found \(finding.found)",
                    metadata: ["layer": "\(finding.object)", "path": "\(finding.path ?? "")", "remedy": "\(finding.remedy ?? "")"])
            }
            for finding in try await onThread({ try self.metadata.integrityFindings(full: false) }) {
                logger.error("the database is damaged", metadata: ["finding": "\(finding)"])
            }
            try await onThread {
                try self.metadata.settle(layers: layers.map(\.id))
                try self.metadata.confirmSession(bootID: bootID)
            }
            logger.notice("checked", metadata: ["layers": "\(summary.layers)", "findings": "\(summary.findings)"])
        } catch ImageError.cancelled {
            logger.notice("the next start checks the layers that were stored last")
        } catch {
            logger.error("the layers that were stored last could not be checked: run `ctr-swift fsck`", metadata: ["error": "\(error)"])
        }
    }

    /// No layers is not all of them here.
    private func checkLayers(_ layers: [LayerRecord], tell: @escaping @Sendable (CheckEvent) -> Void) async throws -> CheckSummary {
        if layers.isEmpty { return CheckSummary(full: false) }
        return try await check(CheckRequest(targets: layers.map(\.key.text)), tell: tell)
    }

    /// A layer by its diff ID, a fix-up by its chain ID, by twelve or more digits of either, or by its directory's name.
    package func layer(named text: String) throws(ImageError) -> LayerRecord? {
        let layers: [LayerRecord]
        do throws(MetadataError) { layers = try metadata.layers() } catch { throw .metadata(error) }
        if let exact = layers.first(where: { $0.key.text == text || $0.shortID == text }) { return exact }
        let digits = text.split(separator: ":").last.map(String.init) ?? ""
        guard digits.utf8.count >= 12 else { return nil }
        let found = layers.filter { $0.key.text.hasSuffix(digits) || ($0.key.text.split(separator: ":").last ?? "").hasPrefix(digits) }
        guard found.count <= 1 else { throw .ambiguous(text) }
        return found.first
    }
}

/// One check, from the database to the orphans.
private struct StoreCheckRun {
    private let service: ImageService
    private let cancelled: CancelFlag
    private let tell: @Sendable (CheckEvent) -> Void
    private var summary: CheckSummary

    /// More of one layer's findings say nothing new.
    private static let mostFindings = 100

    init(service: ImageService, full: Bool, cancelled: CancelFlag, tell: @escaping @Sendable (CheckEvent) -> Void) {
        self.service = service
        self.cancelled = cancelled
        self.tell = tell
        summary = CheckSummary(full: full)
    }

    mutating func run(_ targets: [String]) throws -> CheckSummary {
        let lease = service.metadata.lease()
        defer { lease.release() }
        let plan = try targets.isEmpty ? everything() : chosen(targets)
        var early: [FilePath] = []
        if targets.isEmpty {
            try checkDatabase()
            early = try service.snapshots.unrecordedDirectories()
        }
        for (index, layer) in plan.layers.enumerated() { try check(layer, index, plan.layers.count, lease) }
        for blob in plan.blobs { try check(blob, lease) }
        for image in plan.images { try check(image) }
        if targets.isEmpty { try checkOrphans(early) }
        return summary
    }

    private struct Plan {
        var layers: [LayerRecord] = []
        var blobs: [BlobRecord] = []
        var images: [ImageRecord] = []
    }

    private func everything() throws -> Plan {
        Plan(layers: try service.metadata.layers(), blobs: try service.metadata.blobs(), images: try service.metadata.images())
    }

    private func chosen(_ targets: [String]) throws -> Plan {
        var plan = Plan()
        for target in targets {
            if let layer = try service.layer(named: target) {
                plan.layers.append(layer)
                continue
            }
            let image = try service.find(target, platform: nil).image
            plan.images.append(image)
            plan.layers += try image.layerKeys.compactMap { try service.metadata.layer($0) }
            let digests = [image.manifestDigest, image.configDigest] + image.layers.compactMap(\.blobDigest)
            plan.blobs += try Set(digests).compactMap { try service.metadata.blob($0) }
        }
        var seen: Set<Int64> = []
        plan.layers = plan.layers.sorted { $0.id < $1.id }.filter { seen.insert($0.id).inserted }
        return plan
    }

    // MARK: Kinds

    private mutating func checkDatabase() throws {
        announce("database")
        for finding in try service.metadata.integrityFindings(full: summary.full) {
            report(
                CheckFinding(
                    kind: .database, object: "meta.db", expected: "a sound database", found: finding,
                    remedy: "stop the daemon, keep a copy of meta.db, and see sqlite3's .recover"))
        }
    }

    private mutating func check(_ known: LayerRecord, _ index: Int, _ total: Int, _ lease: Lease) throws {
        if cancelled.isSet { throw CancellationError() }
        // Gone, or repaired, since the list was made.
        guard let layer = try service.metadata.claim(layer: known.key, for: lease) else { return }
        announce("layer \(layer.key.text)", index + 1, total)
        let remedy = "`ctr-swift repair \(layer.key.shortText)`"
        let counter = FindingCounter()
        let (tell, cancelled) = (tell, cancelled)
        let result = try service.snapshots.check(layer, full: summary.full, isCancelled: { cancelled.isSet }) { finding in
            counter.count += 1
            guard counter.count <= Self.mostFindings else { return }
            var event = CheckEvent(.finding)
            event.finding = CheckFinding(
                kind: .layer, object: layer.key.text, path: display(finding.path), expected: finding.expected, found: finding.found,
                remedy: remedy)
            tell(event)
        }
        guard result.isWhole else { throw CancellationError() }
        // Exchanged meanwhile: what was found is of the old tree.
        if try service.metadata.layer(id: layer.id)?.seal == layer.seal {
            try service.snapshots.note(result, of: layer, full: summary.full)
        }
        if counter.count > Self.mostFindings {
            report(
                CheckFinding(
                    kind: .layer, object: layer.key.text, expected: "none of these", found: "\(counter.count - Self.mostFindings) more",
                    remedy: remedy))
            summary.findings -= 1
        }
        summary.layers += 1
        summary.names += result.names
        summary.readBytes += result.readBytes
        summary.findings += result.findings
        if !result.isListed { summary.unlisted.append(layer.key.text) }
    }

    private final class FindingCounter { var count = 0 }

    private mutating func check(_ known: BlobRecord, _ lease: Lease) throws {
        if cancelled.isSet { throw CancellationError() }
        guard let blob = try service.metadata.claim(blob: known.digest, for: lease) else { return }
        summary.blobs += 1
        announce("blob \(blob.digest)")
        let cancelled = cancelled
        guard let difference = try service.content.check(blob, full: summary.full, isCancelled: { cancelled.isSet }) else { return }
        report(
            CheckFinding(
                kind: .blob, object: "\(blob.digest)", expected: difference.expected, found: difference.found,
                remedy: "pull or load the image again"))
    }

    /// Its documents are there and say what the database says.
    private mutating func check(_ image: ImageRecord) throws {
        if cancelled.isSet { throw CancellationError() }
        summary.images += 1
        let object = "\(image.manifestDigest)"
        announce("image \(object)")
        do {
            let manifest = try service.content.get(image.manifestDigest, limit: ImageDocument.sizeLimit)
            guard case .manifest(let parsed) = try ImageDocument.parse(manifest, descriptorMediaType: MediaType(rawValue: image.mediaType))
            else { throw ImageError.archive("the document is an index") }
            let config = try ImageConfig.parse(try service.content.get(image.configDigest, limit: ImageDocument.sizeLimit))
            guard parsed.config.digest == image.configDigest, config.rootfs.diffIDs == image.diffIDs else {
                throw ImageError.archive("its documents name other layers than the database")
            }
        } catch {
            report(
                CheckFinding(
                    kind: .image, object: object, expected: "its manifest and config", found: "\(error)",
                    remedy: "pull or load the image again"))
        }
    }

    /// What was there at the start and is at the end: what comes and goes meanwhile is somebody's work.
    private mutating func checkOrphans(_ early: [FilePath]) throws {
        guard !early.isEmpty else { return }
        usleep(200_000)
        let late = Set(try service.commitTurn.withLock { _ in try service.snapshots.unrecordedDirectories() })
        for path in early where late.contains(path) {
            report(
                CheckFinding(
                    kind: .orphan, object: path.string, expected: "nothing", found: "a directory that no record speaks of",
                    remedy: "the next start of the daemon removes it"))
        }
    }

    // MARK: Telling

    private func announce(_ object: String, _ current: Int? = nil, _ total: Int? = nil) {
        var event = CheckEvent(.checking)
        event.object = object
        event.current = current.map(Int64.init)
        event.total = total.map(Int64.init)
        tell(event)
    }

    private mutating func report(_ finding: CheckFinding) {
        summary.findings += 1
        var event = CheckEvent(.finding)
        event.finding = finding
        tell(event)
    }
}
