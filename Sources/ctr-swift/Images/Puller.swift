// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Client
internal import Glibc
internal import Linux
internal import OCI

/// Pulls with the user's credentials, and shows the progress on stderr.
struct Puller {
    private let client: APIClient

    init(_ client: APIClient) { self.client = client }

    /// - Returns: `name@digest`.
    @discardableResult
    func pull(_ image: String, platform: String?, quiet: Bool = false, json: Bool = false) throws -> String {
        var request = PullRequest(reference: image, platform: platform)
        var helper: String?
        // A reference that is none is the daemon's to refuse.
        if let reference = try? ImageReference(parsing: image), let file = CredentialsFile(variable: environment) {
            switch try file.entry(for: reference.registry) {
            case .none: break
            case .credentials(let credentials): request.credentials = credentials
            case .elsewhere(let words): helper = "\(words) in \(file.path) is not used: `ctr-swift login \(reference.registry)`"
            }
        }
        var progress = PullProgress(quiet || json ? .quiet : .here)
        do {
            try client.stream(.post, ["v1", "images", "pull"], body: request, of: PullEvent.self) { event throws(ClientError) in
                try tell(event, &progress, json: json)
            }
        } catch {
            guard let helper, case .problem(var problem) = error, problem.code == "registry-unauthorized" else { throw error }
            problem.remedy = helper
            throw ClientError.problem(problem)
        }
        guard let name = progress.canonicalName, !progress.images.isEmpty else {
            throw Failure("the daemon ended the pull of \"\(terminalSafe(image))\" without a result", remedy: "its log may say why")
        }
        if !json { write(Array(progress.sum().utf8), to: 2) }
        return name
    }

    /// stdout belongs to the container.
    func pullBeforeRun(_ request: CreateContainerRequest) throws { try pull(request.image, platform: request.platform) }
}

/// - Throws: the problem with which the work ended.
func tell(_ event: PullEvent, _ progress: inout PullProgress, json: Bool) throws(ClientError) {
    if json { do { try show(jsonLine: event) } catch { throw ClientError(showing: error) } }
    write(Array(progress.take(event).utf8), to: 2)
    if let problem = event.problem { throw .problem(problem) }
}

extension PullProgress.Style {
    /// Bars where stderr is a terminal that can move its cursor.
    static var here: Self {
        guard isTerminal(2), environment("TERM") != "dumb", let size = try? WindowSize(of: 2), size.columns > 0 else { return .lines }
        return .bars(rows: Int(size.rows), columns: Int(size.columns))
    }
}
