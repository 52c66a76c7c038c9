import Catalogue
import SpecProgram
import TraceValidation
import Verdicts

/// Explains traces of processes and reports.
struct ProcessTraceRunner {
  let json: Bool
  let output = Output.standard

  static func checker() throws -> SystemCallCheck {
    let specs = try SystemCallCheck.specs.map { try SpecLookup.describe($0) }
    return SystemCallCheck(td: specs[0], gmem: specs[1])
  }

  /// - Returns: 0 or 1 by the verdicts; 2 or 3 for a file that could not be read to its end.
  func check(
    _ paths: [String], format: SystemCallFormat?, release: String?
  ) throws -> ExitStatus {
    let checker = try Self.checker()
    let clock = ContinuousClock()
    var status = ExitStatus.success
    var reports: [ProcessTraceReport] = []
    if json { try output.write(Events.start("trace check", version: TDXSpec.version).text + "\n") }
    for path in paths {
      let start = clock.now
      do throws(TraceError) {
        let verdict = try checker.check(file: path, format: format, release: release)
        let report = ProcessTraceReport(
          verdict: verdict, seconds: Double((clock.now - start) / .seconds(1)))
        reports.append(report)
        status = status.combined(with: report.status)
        if let torn = verdict.torn { status = status.combined(with: complaint(torn)) }
      } catch {
        status = status.combined(with: complaint(error))
      }
    }
    for report in reports { try output.write(json ? report.event.text + "\n" : report.text) }
    if json { try output.write(Events.end(status).text + "\n") }
    return status
  }

  private func complaint(_ error: TraceError) -> ExitStatus {
    Terminal.complain(error.description)
    if json { try? output.write(Events.error(error.description, code: nil).text + "\n") }
    return error.kind == .torn ? .noAnswer : .usage
  }
}

/// What became of a trace, in words and as an event.
struct ProcessTraceReport {
  let verdict: SystemCallVerdict
  let seconds: Double

  var status: ExitStatus {
    switch verdict.outcome {
    case .conforms: .success
    case .refused, .stray: .failure
    case .unanswered: .noAnswer
    }
  }

  var text: String {
    var out = "\(verdict.path): \(verdict.calls) calls (\(verdict.format.rawValue)), "
    out += "\(verdict.vms) VMs; \(verdict.explained) explained"
    if verdict.explainedUndecoded > 0 {
      out += ", \(verdict.explainedUndecoded) of them for some value of arguments that the trace "
      out += "does not tell"
    }
    out += "\n" + counts("not checked, arguments not told", verdict.undecoded)
    out += counts("no spec has", verdict.unspoken)
    out += "\(verdict.others) calls on other descriptors or none\n"
    out += outcome
    return out + "\(TraceReport.rounded(seconds)) s\n"
  }

  private func counts(_ what: String, _ counts: [String: Int]) -> String {
    guard !counts.isEmpty else { return "" }
    let list = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return "\(what): \(list.joined(separator: ", "))\n"
  }

  private var kernels: String {
    verdict.kernels.map { "\($0.spec) (\($0.name))" }.joined(separator: ", ")
  }

  private var outcome: String {
    switch verdict.outcome {
    case .conforms: "The trace conforms: \(kernels) explains it.\n"
    case .unanswered(let why): "No answer: \(why)\n"
    case .stray(let stray):
      "\(verdict.path):\(stray.line): \(stray.call) answers \(stray.answer) on descriptor "
        + "\(stray.descriptor), which the trace opens nowhere; allowed: EBADF\n"
        + "The trace does not conform.\n"
    case .refused(let refusal):
      RefusalText(refusal).text + "The trace does not conform: \(kernels).\n"
    }
  }

  var event: JSONValue {
    var members: [JSONValue.Member] = [
      .init(name: "event", value: "trace-verdict"),
      .init(name: "file", value: .string(verdict.path)),
      .init(name: "format", value: .string(verdict.format.rawValue)),
      .init(name: "verdict", value: .string(verdictName)),
      .init(name: "kernels", value: .array(verdict.kernels.map { .string($0.name) })),
      .init(name: "calls", value: .int(verdict.calls)),
      .init(name: "vms", value: .int(verdict.vms)),
      .init(name: "explained", value: .int(verdict.explained)),
      .init(name: "explained_undecoded", value: .int(verdict.explainedUndecoded)),
      .init(name: "undecoded", value: counts(verdict.undecoded)),
      .init(name: "unspoken", value: counts(verdict.unspoken)),
      .init(name: "others", value: .int(verdict.others)),
      .init(name: "seconds", value: .double(seconds)),
    ]
    switch verdict.outcome {
    case .conforms: break
    case .unanswered(let why): members.append(.init(name: "message", value: .string(why)))
    case .stray(let stray):
      members += [
        .init(name: "line", value: .int(stray.line)),
        .init(name: "call", value: .string(stray.call)),
        .init(name: "descriptor", value: .int(stray.descriptor)),
      ]
    case .refused(let refusal): members += RefusalText(refusal).members
    }
    return .object(members)
  }

  private func counts(_ counts: [String: Int]) -> JSONValue {
    .object(counts.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: .int($0.value)) })
  }

  private var verdictName: String {
    switch verdict.outcome {
    case .conforms: "conforms"
    case .refused: "refused"
    case .stray: "stray"
    case .unanswered: "no-answer"
    }
  }
}
